import * as z from "zod/mini";
import type { DeviceId } from "#shared/ids";
import { damageOf } from "../database/damage.ts";
import { transaction, type Database } from "../database/database.ts";
import { keptDeviceId, instant, parserOf, proof, proofOf } from "../database/row-fields.ts";
import { Unsynced } from "../database/unsynced.ts";

/** From `mono` on, an instant of the epoch was at `zero` plus its own mono, in epoch ms. */
export interface ClockOffset {
  readonly mono: number;
  readonly zero: number;
}

/** Offsets kept for one device at most, of all its epochs: their names come from outside. The oldest go first. */
const maxOffsets = 16;
/** Devices in memory at most: those with a wrong clock. */
const maxDevices = 10_000;

type Epochs = Map<string, ClockOffset[]>;

/**
 * Where the epochs of devices with a wrong clock begin on the console's clock. Kept on the disk before it is used, so
 * that a batch that comes again, also after a restart of the console, gets the same times and no sample is there twice.
 */
export class ClockOffsets {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #devices = new Map<DeviceId, Epochs>();
  readonly #unsynced = new Unsynced();

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepare(database);
  }

  /** The offset that holds for an instant. */
  find(device: DeviceId, epoch: string, mono: number): ClockOffset | undefined {
    const offsets = this.#of(device).get(epoch);
    // An instant before all of them: the first is the nearest.
    return offsets?.findLast((one) => one.mono <= mono) ?? offsets?.[0];
  }

  /** @throws Error when it cannot be written down; then it does not hold either */
  keep(device: DeviceId, epoch: string, offset: ClockOffset, now: number): void {
    const { insert, trim } = this.#statements;
    this.#devices.delete(device);
    transaction(this.#database, () => {
      insert.run(
        device,
        epoch,
        offset.mono,
        offset.zero,
        Math.round(now),
        proofOf(device, epoch, offset.mono, offset.zero),
      );
      trim.run(device, maxOffsets);
    });
    this.#unsynced.add();
  }

  forget(device: DeviceId): void {
    this.#devices.delete(device);
  }

  /** @throws Error of the database */
  erase(device: DeviceId): void {
    this.#statements.erase.run(device);
    this.#devices.delete(device);
  }

  /** Resolves once the offsets that were kept are on the disk; undefined where they are already. @throws EnvironmentError */
  synced(): Promise<void> | undefined {
    return this.#unsynced.synced(this.#database);
  }

  #of(device: DeviceId): Epochs {
    const known = this.#devices.get(device);
    if (known) return known;
    const epochs: Epochs = new Map();
    const kept = damageOf(this.#database).all("clock_offsets", this.#statements.of, parseOffsetRow, device);
    for (const { epoch, mono, zero } of kept) {
      const offsets = epochs.get(epoch);
      if (offsets) offsets.push({ mono, zero });
      else epochs.set(epoch, [{ mono, zero }]);
    }
    this.#devices.set(device, epochs);
    for (const oldest of this.#devices.keys()) {
      if (this.#devices.size <= maxDevices) break;
      this.#devices.delete(oldest);
    }
    return epochs;
  }
}

/** An offset that is another number would place samples at other times than those that are stored. */
export const parseOffsetRow = parserOf(
  z
    .object({ device: keptDeviceId, epoch: z.string(), mono: z.number(), zero: instant, proof })
    .check(
      z.refine(
        ({ device, epoch, mono, zero, proof: proven }) =>
          proven === null || proven === proofOf(device, epoch, mono, zero),
        "expected numbers that fit their checksum",
      ),
    ),
);

function prepare(database: Database) {
  return {
    of: database.prepare(
      "SELECT device, epoch, mono, zero, proof FROM clock_offsets WHERE device = ? ORDER BY epoch, mono",
    ),
    insert: database.prepare(
      "INSERT INTO clock_offsets (device, epoch, mono, zero, made, proof) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    ),
    erase: database.prepare("DELETE FROM clock_offsets WHERE device = ?"),
    trim: database.prepare(
      `DELETE FROM clock_offsets WHERE device = ?1 AND (epoch, mono) NOT IN
         (SELECT epoch, mono FROM clock_offsets WHERE device = ?1 ORDER BY made DESC, mono DESC LIMIT ?2)`,
    ),
  };
}
