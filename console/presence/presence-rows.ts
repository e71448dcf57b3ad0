import * as z from "zod/mini";
import type { DeviceId } from "#shared/ids";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { instant, keptDeviceId, moment, parserOf } from "../database/row-fields.ts";

/** Milliseconds for which it is kept who was there: a year, and a month to compare with. */
export const presenceKept = 400 * 86_400_000;
/** Changes kept of one device, the newest: one that comes and goes every minute has a day of them. */
export const maxPresenceOfDevice = 2_000;
/** Spans kept in which the console has watched, the newest: every start, and every loss of the broker, begins one. */
export const maxWatches = 2_000;
/** Milliseconds for which it is kept how many samples were counted, a count a day: two months, and what they are compared with. */
export const countsKept = 70 * 86_400_000;
const aDay = 86_400_000;

const changeRow = parserOf(z.object({ device: keptDeviceId, ts: instant, up: z.number() }));
const watchRow = parserOf(z.object({ begun: instant, settled: moment, until: instant }));
const countRow = parserOf(z.object({ device: keptDeviceId, ts: instant, stored: z.number(), set_aside: z.number() }));

/** From a moment on, epoch ms, a device was there, or was not. */
export interface PresenceChange {
  readonly device: DeviceId;
  readonly ts: number;
  readonly up: boolean;
}

/** A span in which the console would have heard of changes, epoch ms. Who is there was known from `settled` on; never, where it is null. */
export interface PresenceWatch {
  readonly begun: number;
  readonly settled: number | null;
  readonly until: number;
}

/** How many samples of a device had been stored, and set aside, by a moment. */
export interface SampleCount {
  readonly ts: number;
  readonly stored: number;
  readonly setAside: number;
}

/** @throws Error for a row that does not read */
export const parsePresenceChange = (row: Parameters<typeof changeRow>[0]): PresenceChange => {
  const { up, ...rest } = changeRow(row);
  return { ...rest, up: up === 1 };
};
/** @throws Error for a row that does not read */
export const parsePresenceWatch: (row: Parameters<typeof watchRow>[0]) => PresenceWatch = watchRow;
/** @throws Error for a row that does not read */
export const parseSampleCount = (row: Parameters<typeof countRow>[0]): SampleCount => {
  const { ts, stored, set_aside: setAside } = countRow(row);
  return { ts, stored, setAside };
};

/** The rows of who was there, and of when anybody would have noticed. */
export class PresenceRows {
  readonly #database: Database;
  readonly #put;
  readonly #last;
  readonly #of;
  readonly #counts;

  constructor(database: Database) {
    this.#database = database;
    this.#put = database.prepare("INSERT OR REPLACE INTO presence (device, ts, up) VALUES (?, ?, ?)");
    this.#last = database.prepare("SELECT * FROM presence WHERE device = ? ORDER BY ts DESC LIMIT 1");
    this.#of = database.prepare(
      `SELECT * FROM presence WHERE device = ?1 AND ts <= ?3
       AND ts >= coalesce((SELECT max(ts) FROM presence WHERE device = ?1 AND ts <= ?2), ?2) ORDER BY ts`,
    );
    this.#counts = database.prepare("SELECT * FROM sample_counts WHERE device = ? AND ts BETWEEN ? AND ? ORDER BY ts");
  }

  put({ device, ts, up }: PresenceChange): void {
    this.#put.run(device, ts, up ? 1 : 0);
  }

  last(device: DeviceId): PresenceChange | undefined {
    return damageOf(this.#database).one("presence", this.#last, parsePresenceChange, device);
  }

  /** What changed between the two moments, with what was so at the first; the oldest first. */
  of(device: DeviceId, from: number, to: number): readonly PresenceChange[] {
    return damageOf(this.#database).all("presence", this.#of, parsePresenceChange, device, from, to);
  }

  /** Those that reach into the time between, the oldest first. */
  watches(from: number, to: number): readonly PresenceWatch[] {
    const select = this.#database.prepare(
      "SELECT * FROM presence_watches WHERE until >= ? AND begun <= ? ORDER BY begun",
    );
    return damageOf(this.#database).all("presence_watches", select, parsePresenceWatch, from, to);
  }

  newestWatch(): PresenceWatch | undefined {
    const select = this.#database.prepare("SELECT * FROM presence_watches ORDER BY begun DESC LIMIT 1");
    return damageOf(this.#database).one("presence_watches", select, parsePresenceWatch);
  }

  putWatch({ begun, settled, until }: PresenceWatch): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO presence_watches (begun, settled, until) VALUES (?, ?, ?)")
      .run(begun, settled, until);
  }

  /** The clock was put back: what lies behind this moment has not been yet. */
  forgetFrom(now: number): void {
    this.#database.prepare("DELETE FROM presence WHERE ts >= ?").run(now);
    this.#database.prepare("DELETE FROM sample_counts WHERE ts >= ?").run(now);
    this.#database.prepare("DELETE FROM presence_watches WHERE begun >= ?").run(now);
    this.#database
      .prepare("UPDATE presence_watches SET until = ?1, settled = min(settled, ?1) WHERE until > ?1")
      .run(now);
  }

  /** Notes how many samples of a device are counted, once a day. */
  count(device: DeviceId, now: number): void {
    this.#database
      .prepare(
        `INSERT INTO sample_counts (device, ts, stored, set_aside)
         SELECT ?1, ?2, CAST(TOTAL(samples - lost) AS INTEGER), CAST(TOTAL(set_aside) AS INTEGER) FROM outboxes WHERE device = ?1
         HAVING COUNT(*) > 0 AND NOT EXISTS (SELECT 1 FROM sample_counts WHERE device = ?1 AND ts > ?2 - ${aDay})`,
      )
      .run(device, now);
  }

  counts(device: DeviceId, from: number, to: number): readonly SampleCount[] {
    return damageOf(this.#database).all("sample_counts", this.#counts, parseSampleCount, device, from, to);
  }

  /** Lets go of what is old of a device, but for what was so at that time. */
  trim(device: DeviceId, now: number): void {
    const horizon = now - presenceKept;
    this.#database
      .prepare(
        `DELETE FROM presence WHERE device = ?1 AND ts < max(
           coalesce((SELECT max(ts) FROM presence WHERE device = ?1 AND ts <= ?2), 0),
           coalesce((SELECT ts FROM presence WHERE device = ?1 ORDER BY ts DESC LIMIT 1 OFFSET ${maxPresenceOfDevice - 1}), 0))`,
      )
      .run(device, horizon);
    this.#database.prepare("DELETE FROM sample_counts WHERE device = ? AND ts < ?").run(device, now - countsKept);
  }

  trimWatches(now: number): void {
    this.#database
      .prepare(
        `DELETE FROM presence_watches WHERE until < ?1
         OR begun < (SELECT begun FROM presence_watches ORDER BY begun DESC LIMIT 1 OFFSET ${maxWatches - 1})`,
      )
      .run(now - presenceKept);
  }

  /** @throws Error of the database */
  erase(device: DeviceId): void {
    for (const table of ["presence", "sample_counts"])
      this.#database.prepare(`DELETE FROM ${table} WHERE device = ?`).run(device);
  }
}
