import * as z from "zod/mini";
import type { DeviceId } from "#shared/ids";
import { Signal } from "#shared/signal";
import type { Accounts } from "../accounts/accounts.ts";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { persistOf } from "../database/persist.ts";
import { instant, keptDeviceId, parserOf } from "../database/row-fields.ts";

/** A device that is kept with its history and is let in no more. */
export interface Retirement {
  readonly by: string;
  /** Epoch ms. */
  readonly ts: number;
}

const row = z.object({
  device: keptDeviceId,
  by: z.string(),
  ts: instant,
  /** What its secret is compared with, for the day on which it comes back; empty where it had no account. */
  hash: z.string(),
  certified: z.number(),
});
/** @throws Error for a row that does not read */
export const parseRetirement = parserOf(row);

/** Characters of who has retired it. */
const maxByLength = 100;

/** Whether somebody may be let in under this name: one of a retired device is not free, for its past would come with it. */
export function isRetired(database: Database, name: string): boolean {
  return database.prepare("SELECT 1 FROM retired_devices WHERE device = ?").get(name) !== undefined;
}

/** A retired device in a sentence about it. */
export function retiredSince(device: string, { by, ts }: Retirement): string {
  return `${device} was retired by ${by} on ${new Date(ts).toISOString().slice(0, 10)}`;
}

export interface RetirementsOptions {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly failed?: (thrown: unknown) => void;
}

/**
 * Devices that are out of service. Such a one has no account, so that every door is shut, and keeps all that is known of it.
 *
 * in service ── retire: account put by ──► retired ── bring back: account again, or enrolled again in whatever way ──► in service
 */
export class Retirements {
  /** Who was retired, or is no more. */
  readonly changes: Signal<DeviceId>;
  readonly #options: RetirementsOptions;
  #known: Map<DeviceId, Retirement> | undefined;
  #undo: () => void = () => {};

  constructor(options: RetirementsOptions) {
    this.#options = options;
    this.changes = new Signal(options.failed);
  }

  start(): void {
    const { changes, elsewhere } = this.#options.accounts;
    const undo = [
      changes.on(({ name, what }) => what === "account" && this.#settle(name as DeviceId)),
      elsewhere.on(() => [...this.#all.keys()].forEach((device) => this.#settle(device))),
    ];
    this.#undo = () => undo.forEach((off) => off());
    for (const device of this.#all.keys()) this.#settle(device);
  }

  stop(): void {
    this.#undo();
  }

  of(device: DeviceId): Retirement | undefined {
    return this.#all.size === 0 ? undefined : this.#all.get(device);
  }

  /** Why nothing is taken of this device; undefined where it is in service. Asked with each message. */
  why(device: DeviceId): string | undefined {
    const retirement = this.of(device);
    return retirement && retiredSince(device, retirement);
  }

  /**
   * Puts its account by, which ends its certificates and its codes. Within a transaction of the caller. @returns what to call when that is through
   * @throws Error of the database
   */
  retire(device: DeviceId, { by, ts }: Retirement): () => void {
    const { database, accounts } = this.#options;
    const account = accounts.find(device);
    const retirement = { by: by.slice(0, maxByLength), ts: Math.round(ts) };
    database
      .prepare("INSERT OR REPLACE INTO retired_devices (device, by, ts, hash, certified) VALUES (?, ?, ?, ?, ?)")
      .run(device, retirement.by, retirement.ts, account?.hash ?? "", account?.certified ? 1 : 0);
    database.prepare("DELETE FROM accounts WHERE name = ? AND role = 'device'").run(device);
    return () => {
      this.#all.set(device, retirement);
      accounts.changed(device);
      this.changes.emit(device);
    };
  }

  /**
   * Takes it into service again, with the secret that it had. Within a transaction of the caller.
   * @returns whether it can come in by that, and what to call when that is through
   */
  bringBack(device: DeviceId): { readonly comesIn: boolean; readonly done: () => void } {
    const { database, accounts } = this.#options;
    const select = database.prepare("SELECT device, by, ts, hash, certified FROM retired_devices WHERE device = ?");
    const kept = damageOf(database).one("retired_devices", select, parseRetirement, device);
    const hasSecret = kept !== undefined && kept.hash !== "";
    if (hasSecret) accounts.putDevice(device, kept.hash, kept.certified === 1);
    this.#delete(device);
    const done = (): void => {
      this.#all.delete(device);
      if (hasSecret) accounts.changed(device);
      this.changes.emit(device);
    };
    // A certificate ended with the account, and its secret opens nothing over MQTT.
    return { comesIn: hasSecret && kept.certified === 0, done };
  }

  /** @throws Error of the database */
  erase(device: DeviceId): void {
    this.#delete(device);
    this.#known?.delete(device);
  }

  /** Whoever has an account again, in whatever way it came by it, is in service. */
  #settle(device: DeviceId): void {
    const { database, accounts } = this.#options;
    if (!this.of(device) || accounts.find(device)?.role !== "device") return;
    persistOf(database).write(`retirement of ${device}: over`, () => this.#delete(device));
    this.#all.delete(device);
    this.changes.emit(device);
  }

  #delete(device: DeviceId): void {
    this.#options.database.prepare("DELETE FROM retired_devices WHERE device = ?").run(device);
  }

  get #all(): Map<DeviceId, Retirement> {
    this.#known ??= this.#read();
    return this.#known;
  }

  #read(): Map<DeviceId, Retirement> {
    const { database } = this.#options;
    const select = database.prepare("SELECT device, by, ts, hash, certified FROM retired_devices");
    const rows = damageOf(database).all("retired_devices", select, parseRetirement);
    return new Map(rows.map(({ device, by, ts }) => [device, { by, ts }]));
  }
}
