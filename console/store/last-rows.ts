import type { Database } from "../database/database.ts";
import type { DamagedStretches } from "./damaged-stretches.ts";
import { unpackRollup } from "./rollup/packed-rollup.ts";
import { rollupSteps } from "./rollup/rollup.ts";
import { unpackColumn, unpackTimes } from "./stretch/packed-column.ts";

/** What is asked for of the last values of a device in the embedded store. */
export interface LastRowsQuery {
  readonly device: string;
  readonly from: number;
  readonly to: number;
  /** Series that are looked at, at most. */
  readonly most: number;
  /** Rows of each of them that are looked back at, of those that are not packed yet. */
  readonly rows: number;
}

/** One series with the last value of each of its fields, and when that was taken. */
export interface LastRow {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: ReadonlyMap<string, Last>;
}

interface Row {
  readonly ts: number;
  readonly fields: string;
}

/** Values of one device that are looked up, beyond those of the series in which that many are reached: no more are shown of one. */
export const maxLastValues = 20_000;
/** Moments of a longer time at which the row behind them is looked at as well, in each series. */
const probes = 64;

/** Looks up last values, field by field: fields of one measurement may come in different messages. */
export class LastRows {
  readonly #statements: ReturnType<typeof prepare>;

  readonly #damaged: DamagedStretches;

  /** @param damaged told of stretches that do not read: there is no value of theirs */
  constructor(database: Database, damaged: DamagedStretches) {
    this.#statements = prepare(database);
    this.#damaged = damaged;
  }

  read({ device, from, to, most, rows }: LastRowsQuery): LastRow[] {
    const all = this.#statements.series.all(device, most) as unknown as {
      id: number;
      measurement: string;
      tags: string;
    }[];
    const found: LastRow[] = [];
    let values = 0;
    for (const { id, measurement, tags } of all) {
      if (values >= maxLastValues) break;
      const own = objectIn(tags) as Record<string, string> | undefined;
      const fields = own && this.#fields(id, { from, to, rows });
      if (!fields || fields.size === 0) continue;
      values += fields.size;
      found.push({ measurement, tags: own, fields });
    }
    return found;
  }

  #fields(series: number, { from, to, rows }: Pick<LastRowsQuery, "from" | "to" | "rows">): LastRow["fields"] {
    const fields = new Map<string, Last>();
    const timeOf = (name: string): number => fields.get(name)?.[0] ?? -Infinity;
    const take = (row: Row | undefined): void => {
      for (const [name, value] of Object.entries((row && objectIn(row.fields)) ?? {}))
        if (row && timeOf(name) < row.ts) fields.set(name, [row.ts, value as Value]);
    };
    const last = this.#statements.before.all(series, from, to, rows) as unknown as Row[];
    for (const row of last) take(row);
    const oldest = last.at(-1)?.ts;
    if (oldest !== undefined && last.length === rows) this.#probe(series, from, oldest, take);
    const packed = this.#statements.packedFields.all(series, from, to) as unknown as { field: string; last: number }[];
    for (const { field, last: end } of packed) {
      if (timeOf(field) > end) continue;
      const found = this.#packed(series, field, from, to);
      if (found && timeOf(field) < found[0]) fields.set(field, found);
    }
    // Of what has gone as a sample, what the last step comes to.
    for (const step of rollupSteps)
      for (const one of this.#statements.rolledFields.all(series, step, from, to) as unknown as RolledField[]) {
        if (timeOf(one.field) >= one.first) continue;
        const found = this.#rolledUp(series, step, one, from, to);
        if (found && timeOf(one.field) < found[0]) fields.set(one.field, found);
      }
    return fields;
  }

  #rolledUp(series: number, step: number, { field, first }: RolledField, from: number, to: number): Last | undefined {
    const row = this.#statements.rollup.get(series, step, first, field) as { data: Uint8Array } | undefined;
    const place = { series, first, last: first };
    return row && this.#damaged.reading(place, field, () => lastStep(row.data, { first, step, from, to }));
  }

  /** What has ended long before is found now and then. */
  #probe(series: number, from: number, oldest: number, take: (row: Row | undefined) => void): void {
    const first = this.#statements.first.get(series, from) as Row | undefined;
    const begin = first?.ts ?? oldest;
    for (let at = 0; at < probes; at++) {
      const begins = Math.floor(begin + ((oldest - begin) * at) / probes);
      take(this.#statements.behind.get(series, begins, oldest) as Row | undefined);
    }
  }

  /** Of the newest stretches in the time: one that only reaches into it may have nothing there. */
  #packed(series: number, field: string, from: number, to: number): Last | undefined {
    for (const one of this.#statements.packed.all(series, field, from, to) as unknown as Packed[]) {
      const found = this.#damaged.reading({ ...one, series }, field, () => lastIn(one, from, to));
      if (found) return found;
    }
    return undefined;
  }
}

type Value = number | string | boolean;
type Last = readonly [ts: number, value: Value];

interface Packed {
  readonly first: number;
  readonly last: number;
  readonly times: Uint8Array;
  readonly data: Uint8Array;
}

interface RolledField {
  readonly field: string;
  readonly first: number;
}

/** @throws DamagedStretchError */
function lastStep(
  data: Uint8Array,
  { first, step, from, to }: { first: number; step: number; from: number; to: number },
): Last | undefined {
  const { places, counts, sums, statePlaces, states } = unpackRollup(data);
  const isIn = (place: number): boolean => first + place * step >= from && first + place * step < to;
  const [number, state] = [places.findLastIndex(isIn), statePlaces.findLastIndex(isIn)];
  const timeOf = (place: number | undefined): number => (place === undefined ? -Infinity : first + place * step);
  const [numberAt, stateAt] = [timeOf(places[number]), timeOf(statePlaces[state])];
  if (number < 0 && state < 0) return undefined;
  return numberAt > stateAt ? [numberAt, sums[number]! / counts[number]!] : [stateAt, states[state]!];
}

/** @throws DamagedStretchError */
function lastIn({ times: packedTimes, data }: Packed, from: number, to: number): Last | undefined {
  const times = unpackTimes(packedTimes);
  const values = unpackColumn(data, times.length);
  for (let at = times.length - 1; at >= 0; at--) {
    const [ts = 0, value] = [times[at], values[at]];
    if (ts >= from && ts < to && value !== null && value !== undefined) return [ts, value];
  }
  return undefined;
}

/** A damaged row is none. */
function objectIn(text: string): object | undefined {
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}

function prepare(database: Database) {
  return {
    series: database.prepare("SELECT id, measurement, tags FROM series WHERE device = ? ORDER BY id LIMIT ?"),
    before: database.prepare(
      "SELECT ts, fields FROM samples WHERE series = ? AND ts >= ? AND ts < ? ORDER BY ts DESC LIMIT ?",
    ),
    first: database.prepare("SELECT ts, fields FROM samples WHERE series = ? AND ts >= ? ORDER BY ts LIMIT 1"),
    behind: database.prepare(
      "SELECT ts, fields FROM samples WHERE series = ? AND ts >= ? AND ts < ? ORDER BY ts LIMIT 1",
    ),
    packedFields: database.prepare(
      `SELECT field, MAX(last) AS last FROM stretches JOIN stretch_fields ON stretch = id
       WHERE series = ? AND last >= ? AND first < ? GROUP BY field`,
    ),
    rolledFields: database.prepare(
      `SELECT field, MAX(first) AS first FROM rollups
       WHERE series = ?1 AND step = ?2 AND first < ?4
         AND first >= COALESCE((SELECT MAX(first) FROM days WHERE series = ?1 AND first <= ?3), ?3)
       GROUP BY field`,
    ),
    rollup: database.prepare("SELECT data FROM rollups WHERE series = ?1 AND step = ?2 AND first = ?3 AND field = ?4"),
    packed: database.prepare(
      `SELECT first, last, times, data FROM stretches JOIN stretch_fields ON stretch = id
       WHERE series = ? AND field = ? AND last >= ? AND first < ? ORDER BY first DESC LIMIT ${probes}`,
    ),
  };
}
