import * as z from "zod/mini";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { damageOf } from "../../database/damage.ts";
import { isRefusedWrite, transaction, type Database } from "../../database/database.ts";
import { keptDeviceId, instant, parserOf } from "../../database/row-fields.ts";
import { persistOf } from "../../database/persist.ts";
import { isConflict } from "./column-check.ts";

export interface QuarantineOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether entries may be let go of because of their age; always unless given. */
  readonly dated?: () => boolean;
}

/** Values of one field that were set aside for one reason. Moments are epoch ms. */
export interface SetAside {
  readonly device: DeviceId;
  readonly measurement: string;
  readonly field: string;
  readonly got: string;
  readonly wanted: string;
  /** The first such value, as text. */
  readonly sample: string;
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

export type Misfit = Omit<SetAside, "first" | "last">;
type Entry = { -readonly [K in keyof SetAside]: SetAside[K] };

export const parseQuarantineRow = parserOf(
  z.object({
    device: keptDeviceId,
    measurement: z.string(),
    field: z.string(),
    got: z.string(),
    wanted: z.string(),
    sample: z.string(),
    count: z.number(),
    first: instant,
    last: instant,
  }),
);

/** Entries of one device and of all at most: what they name comes from outside. */
export const maxEntries = { ofDevice: 1_000, ofAll: 10_000 };
/** Entries that the database is handed in one turn: some 5 ms. */
export const flushed = 1_000;
/** Milliseconds: the database hears of many misfits at once, and an entry that nothing was added to is let go. */
const flushEvery = 1_000;
const maxSilence = 30 * 86_400_000;

/** What was set aside instead of written: by device, field and reason with a sample and a count, kept across restarts. */
export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #devices = new Map<DeviceId, Map<string, Entry>>();
  /** Values that there was no room to tell apart. */
  readonly #more = new Map<DeviceId, number>();
  readonly #dirty = new Set<Entry>();
  /** Those of {@link #dirty} of which the database has nothing yet. */
  readonly #unkept = new Set<Entry>();
  #size = 0;
  #cancelFlush: (() => void) | undefined;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** Reads what is kept. */
  start(): void {
    const { database, clock, dated } = this.#options;
    if (dated?.() ?? true) {
      const trim = database.prepare("DELETE FROM quarantine WHERE last < ?");
      const oldest = Math.round(clock.now() - maxSilence);
      persistOf(database).write("quarantine: trim", () => trim.run(oldest));
    }
    const rows = damageOf(database).all("quarantine", database.prepare("SELECT * FROM quarantine"), parseQuarantineRow);
    for (const row of rows) this.#put(row);
  }

  /** Writes what the database does not have yet. */
  stop(): void {
    this.flush(Number.POSITIVE_INFINITY);
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
  }

  /** Adds `count` values that were set aside for the same reason. One message may call it thousands of times. */
  add(misfit: Misfit): void {
    const { count } = misfit;
    const now = Math.round(this.#options.clock.now());
    const known = this.#devices.get(misfit.device)?.get(keyOf(misfit));
    if (known) {
      known.count += count;
      known.last = now;
      this.#touch(known);
    } else if (this.#hasRoom(misfit.device)) {
      const entry = this.#put({ ...misfit, first: now, last: now });
      this.#unkept.add(entry);
      this.#touch(entry);
    } else {
      this.count(misfit.device, count);
    }
  }

  /** Counts values that are not told apart from others. @returns how many they are */
  count(device: DeviceId, values: number): number {
    this.#more.set(device, (this.#more.get(device) ?? 0) + values);
    return values;
  }

  /** Newest first. @param device of one device, or of all */
  list(device?: DeviceId): readonly SetAside[] {
    const all =
      device === undefined ? [...this.#devices.values()] : [this.#devices.get(device) ?? new Map<string, Entry>()];
    return all.flatMap((entries) => [...entries.values()]).toSorted((a, b) => b.last - a.last);
  }

  /** Of which something is set aside. */
  devices(): readonly DeviceId[] {
    return [...new Set([...this.#devices.keys(), ...this.#more.keys()])];
  }

  /** Values that are counted here alone, because there are too many entries already. */
  more(device?: DeviceId): number {
    if (device !== undefined) return this.#more.get(device) ?? 0;
    return [...this.#more.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Forgets the entries of one device, or all; what is still wrong comes back by itself. @returns how many they were */
  forget(device?: DeviceId): number {
    const entries = this.list(device);
    const { database } = this.#options;
    if (device === undefined) database.prepare("DELETE FROM quarantine").run();
    else database.prepare("DELETE FROM quarantine WHERE device = ?").run(device);
    for (const id of device === undefined ? this.devices() : [device]) {
      this.#devices.delete(id);
      this.#more.delete(id);
    }
    // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- an entry of ours, shown read-only
    for (const entry of entries) this.#settled(entry as Entry);
    this.#size -= entries.length;
    return entries.length;
  }

  /** Forgets entries of one field, whatever their reason. @param device of one, or of all @returns how many they were */
  forgetEntries(measurement: string, field: string, device?: DeviceId): number {
    const entries = this.list(device).filter((one) => one.measurement === measurement && one.field === field);
    const { database } = this.#options;
    const erase = database.prepare("DELETE FROM quarantine WHERE device = ? AND measurement = ? AND field = ?");
    transaction(database, () => {
      for (const one of new Set(entries.map(({ device: id }) => id))) erase.run(one, measurement, field);
    });
    for (const entry of entries) {
      this.#devices.get(entry.device)?.delete(keyOf(entry));
      // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- an entry of ours, shown read-only
      this.#settled(entry as Entry);
    }
    this.#size -= entries.length;
    return entries.length;
  }

  /** Forgets what was set aside of one field because of its type: it was settled. Counts of what still does not fit begin anew. */
  forgetField(measurement: string, field: string): void {
    const persist = persistOf(this.#options.database);
    const forget = this.#options.database.prepare(
      "DELETE FROM quarantine WHERE measurement = ? AND field = ? AND got = ?",
    );
    for (const entries of this.#devices.values())
      for (const [key, entry] of entries) {
        if (entry.measurement !== measurement || entry.field !== field || !isConflict(entry.got)) continue;
        entries.delete(key);
        this.#settled(entry);
        this.#size -= 1;
        const { got } = entry;
        persist.write(`quarantine: ${measurement}.${field} ${got}`, () => forget.run(measurement, field, got));
      }
  }

  /** Hands what has changed to the database: so many entries now, the others later. */
  flush(most = flushed): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    this.#hand([...this.#dirty].slice(0, most));
  }

  /**
   * Hands over entries of which the database has nothing yet: before a batch is acknowledged, so that what is set aside of it is never gone
   * without a word. Their counts may lag by a second.
   */
  keep(): void {
    if (this.#unkept.size > 0) this.#hand([...this.#unkept].slice(0, flushed));
  }

  #hand(handed: readonly Entry[]): void {
    if (handed.length === 0) return;
    const { database, log } = this.#options;
    try {
      const keep = database.prepare(
        "INSERT OR REPLACE INTO quarantine (device, measurement, field, got, wanted, sample, count, first, last) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      );
      transaction(database, () => {
        for (const { device, measurement, field, got, wanted, sample, count, first, last } of handed)
          keep.run(device, measurement, field, got, wanted, sample, count, first, last);
      });
      for (const entry of handed) this.#settled(entry);
      if (this.#dirty.size > 0) this.#flushLater();
    } catch (thrown) {
      if (!isRefusedWrite(thrown))
        log.warn({ err: asError(thrown) }, "the quarantine could not be kept: its counts go on in memory");
      // Where the disk refuses for now, this is told by those who write more often.
      this.#flushLater();
    }
  }

  #hasRoom(device: DeviceId): boolean {
    return this.#size < maxEntries.ofAll && (this.#devices.get(device)?.size ?? 0) < maxEntries.ofDevice;
  }

  #put(entry: Entry): Entry {
    let entries = this.#devices.get(entry.device);
    if (!entries) this.#devices.set(entry.device, (entries = new Map()));
    entries.set(keyOf(entry), entry);
    this.#size += 1;
    return entry;
  }

  #touch(entry: Entry): void {
    this.#dirty.add(entry);
    this.#flushLater();
  }

  #settled(entry: Entry): void {
    this.#dirty.delete(entry);
    this.#unkept.delete(entry);
  }

  #flushLater(): void {
    this.#cancelFlush ??= this.#options.clock.after(flushEvery, () => this.flush());
  }
}

function keyOf({
  measurement,
  field,
  got,
  wanted,
}: Pick<SetAside, "measurement" | "field" | "got" | "wanted">): string {
  // None of them has a line break: names must not, and the rest is the console's own words.
  return `${measurement}\n${field}\n${got}\n${wanted}`;
}
