import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Accounts } from "../accounts/accounts.ts";
import { removeSecret } from "../accounts/secrets.ts";
import { damageOf } from "../database/damage.ts";
import { transaction, type Database } from "../database/database.ts";
import { persistOf } from "../database/persist.ts";
import { parseRemoval, type Removal } from "./removal.ts";

/** Removals remembered at most, the newest: each keeps a device that still speaks from becoming known again by its own word. */
export const maxRemovals = 1_000;
/** Characters of who removed it. */
const maxRemoverLength = 100;

interface RemovalPlace {
  readonly directory: string;
  readonly database: Database;
  readonly accounts: Accounts;
}

/** Why nothing is taken of a device, and why its commands ended. */
export function removedBy({ device, by }: Pick<Removal, "device" | "by">): string {
  return `${device} was removed by ${by}`;
}

/**
 * Takes a device's account away and writes down that it is removed: in one transaction, so that the console does the rest now, or at its next
 * start.
 * @param by who removes it, as it is told to the callers of its open commands
 */
export function noteRemoval(
  { database, accounts, directory }: RemovalPlace,
  { device, by, now }: { readonly device: DeviceId; readonly by: string; readonly now: number },
): void {
  transaction(database, () => {
    database
      .prepare("INSERT OR REPLACE INTO removed_devices (device, by, ts, done) VALUES (?, ?, ?, 0)")
      .run(device, by.slice(0, maxRemoverLength), Math.round(now));
    database.prepare("DELETE FROM accounts WHERE name = ? AND role = 'device'").run(device);
    // What is not done yet stays, however old.
    database
      .prepare(
        `DELETE FROM removed_devices WHERE done = 1 AND device NOT IN
         (SELECT device FROM removed_devices ORDER BY ts DESC LIMIT ${maxRemovals})`,
      )
      .run();
  });
  removeSecret(directory, device);
  accounts.changed(device);
}

export interface RemovalsOptions {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly log: Log;
  /** Lets go of what is in memory of a device, and ends what is open with it. */
  readonly forget: (device: DeviceId, why: string) => void;
  /** Deletes its rows. May be called again. @throws Error of the database */
  readonly erase: (device: DeviceId) => void;
}

/**
 * Devices that were removed. Of such a one nothing is taken until it is enrolled again: a broker with accounts of its own, or one that has
 * not read the new files yet, goes on bringing what it says.
 *
 * noted, by this process or another ─► forgotten: commands cancelled, rows deleted ─► done ─► enrolled again: a new device
 */
export class Removals {
  readonly #options: RemovalsOptions;
  /** By device, why. */
  readonly #removed = new Map<DeviceId, string>();
  readonly #begun = new Set<string>();
  #undo: () => void = () => {};

  constructor(options: RemovalsOptions) {
    this.#options = options;
  }

  /** Knows from now on who was removed. */
  start(): void {
    this.#read();
  }

  /** Lets go of what was removed while there was no console, and from now on of whatever is removed. */
  begin(): void {
    this.settle();
    const { changes, elsewhere } = this.#options.accounts;
    const undo = [changes.on(({ what }) => what === "account" && this.settle()), elsewhere.on(() => this.settle())];
    this.#undo = () => undo.forEach((off) => off());
  }

  stop(): void {
    this.#undo();
  }

  /** Why nothing is taken of this device; undefined where it was not removed. Asked with each message. */
  why(device: DeviceId): string | undefined {
    return this.#removed.size === 0 ? undefined : this.#removed.get(device);
  }

  /** Does what is left to do. */
  settle(): void {
    for (const removal of this.#read()) if (removal.done === 0) this.#carryOut(removal);
  }

  #carryOut(removal: Removal): void {
    const { database, forget, erase, log } = this.#options;
    const { device, ts } = removal;
    const name = `removal of ${device} at ${ts}`;
    // While the disk refuses, it is begun once and waits for the disk.
    if (this.#begun.has(name)) return;
    this.#begun.add(name);
    forget(device, removedBy(removal));
    const done = database.prepare("UPDATE removed_devices SET done = 1 WHERE device = ? AND ts = ?");
    persistOf(database).write(name, () => {
      transaction(database, () => {
        erase(device);
        done.run(device, ts);
      });
      this.#begun.delete(name);
      this.#read();
    });
    log.info({ device }, removedBy(removal));
  }

  /** One that has an account again is a new device. @returns all */
  #read(): readonly Removal[] {
    const { database } = this.#options;
    const select = database.prepare("SELECT device, by, ts, done FROM removed_devices ORDER BY ts");
    const all = damageOf(database).all("removed_devices", select, parseRemoval);
    this.#removed.clear();
    const forget = database.prepare("DELETE FROM removed_devices WHERE device = ? AND done = 1");
    for (const removal of all) {
      const { device, done } = removal;
      if (!this.#isEnrolled(device)) this.#removed.set(device, removedBy(removal));
      else if (done === 1) persistOf(database).write(`removal of ${device}: over`, () => forget.run(device));
    }
    return all;
  }

  #isEnrolled(device: DeviceId): boolean {
    return this.#options.accounts.find(device)?.role === "device";
  }
}
