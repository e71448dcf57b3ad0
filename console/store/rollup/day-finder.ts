import type { Database } from "../../database/database.ts";
import type { DamagedStretches } from "../damaged-stretches.ts";
import { maxStretchFields } from "../stretch-finder.ts";
import type { StretchReader } from "../stretch-reader.ts";
import { packRollup, rollupOf, unpackRollup } from "./packed-rollup.ts";
import { coarser, minute, RollingUp, rollupSteps, together, type RollupStep } from "./rollup.ts";

/** Milliseconds of one roll-up, on UTC's days. */
export const dayLength = 86_400_000;
/** Bytes of one field's roll-up at most: numbers never have as many, and long texts that change each minute are none. */
export const maxRollupBytes = 64 * 1024;
/** Values that one answer reads, and fields and bytes that it has, from which on it is given. */
const answer = { values: 200_000, fields: 500, bytes: 512 * 1024 };
/** Series that one answer looks into at most. */
const answerSeries = 500;

/** Where to begin, and what is to be rolled up. */
export interface RollUpOrder {
  readonly series: number;
  readonly from: number;
  /** Milliseconds of a day. */
  readonly day: number;
  /** The moment (epoch ms) before which a day has to be over. */
  readonly before: number;
  /** Of each step the moment up to which a day is too old for it. */
  readonly tooOld: Readonly<Record<RollupStep, number>>;
}

/** A day of a series, rolled up. */
export interface FoundDay {
  readonly series: number;
  readonly first: number;
  readonly until: number;
  /** What there was of it. */
  readonly rows: number;
  readonly stretches: number;
  /** Whether its samples had gone, and what has come since joins the roll-ups that it has. */
  readonly isAgain: boolean;
  readonly rollups: readonly { readonly step: RollupStep; readonly field: string; readonly data: Uint8Array }[];
}

export interface FoundDays {
  readonly days: readonly FoundDay[];
  /** Where to go on; undefined where all was looked at. */
  readonly next: { readonly series: number; readonly from: number } | undefined;
}

interface Day {
  readonly series: number;
  readonly first: number;
  readonly until: number;
}

/** Looks for days that are over and have no roll-ups, series by series, and makes them. It changes nothing. */
export class DayFinder {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #samples: StretchReader;
  readonly #damaged: DamagedStretches;

  constructor(database: Database, samples: StretchReader, damaged: DamagedStretches) {
    this.#database = database;
    this.#statements = prepare(database);
    this.#samples = samples;
    this.#damaged = damaged;
  }

  find(order: RollUpOrder): FoundDays {
    // All of it as it stood at one moment.
    this.#database.exec("BEGIN");
    try {
      return this.#find(order);
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  #find(order: RollUpOrder): FoundDays {
    const { series, from } = order;
    const days: FoundDay[] = [];
    const ids = this.#statements.series.all(series, answerSeries) as unknown as { id: number }[];
    let [values, fields, bytes] = [0, 0, 0];
    for (const { id } of ids) {
      // What is before 1970 is by no clock, and stays what it is.
      for (let at = id === series ? Math.max(0, from) : 0; ;) {
        const first = this.#statements.firstSample.get(id, at) as { row: number | null; stretch: number | null };
        const begins = Math.floor(Math.min(first.row ?? Infinity, first.stretch ?? Infinity) / order.day) * order.day;
        at = begins + order.day;
        if (!(at <= order.before)) break;
        const found = this.#rolledUp({ series: id, first: begins, until: at }, order);
        if (!found) continue;
        days.push(found.day);
        values += found.values;
        fields += found.day.rollups.length;
        bytes += found.day.rollups.reduce((sum, { data }) => sum + data.length, 0);
        if (values >= answer.values || fields >= answer.fields || bytes >= answer.bytes)
          return { days, next: { series: id, from: at } };
      }
    }
    const last = ids.at(-1);
    return { days, next: last && ids.length === answerSeries ? { series: last.id + 1, from: 0 } : undefined };
  }

  #rolledUp(
    day: Day,
    { tooOld, day: length }: RollUpOrder,
  ): { readonly day: FoundDay; readonly values: number } | undefined {
    const { series, first, until } = day;
    const known = this.#statements.known.get(series, first) as Known | undefined;
    if (known && known.samples !== 0) return undefined;
    const has = (step: RollupStep): boolean => !known || (step === minute ? known.minutes : known.quarters) > 0;
    const steps = rollupSteps.filter((step) => length % step === 0 && until > tooOld[step] && has(step));
    if (steps.length === 0) return undefined;
    const { rows } = this.#statements.rows.get(series, first, until) as { rows: number };
    const there = this.#statements.stretches.get(series, first, until) as { count: number; rows: number };
    const fields = this.#statements.fields.all(series, first, until, maxStretchFields + 1) as { field: string }[];
    const rollups =
      // Where each sample has other fields, what they come to is no smaller.
      fields.length > maxStretchFields
        ? []
        : fields.flatMap(({ field }) => this.#ofField(day, field, steps, known !== undefined));
    return {
      values: (rows + there.rows) * fields.length,
      day: { ...day, rows, stretches: there.count, isAgain: known !== undefined, rollups },
    };
  }

  #ofField({ series, first, until }: Day, field: string, steps: readonly RollupStep[], isAgain: boolean) {
    const [finest = minute] = steps;
    const sink = new RollingUp(first, finest);
    this.#samples.read(series, { field, from: first, to: until }, Number.MAX_SAFE_INTEGER - 1, sink);
    const made = sink.done();
    return steps.flatMap((step) => {
      const own = step === finest ? made : coarser(made, step / finest);
      const before = isAgain ? this.#before(series, step, first, field) : undefined;
      const data = packRollup(before ? together(before, own) : own);
      return data.length > maxRollupBytes ? [] : [{ step, field, data }];
    });
  }

  #before(series: number, step: RollupStep, first: number, field: string) {
    const row = this.#statements.rollup.get(series, step, first, field) as { data: Uint8Array } | undefined;
    const place = { series, first, last: first + dayLength };
    return row && this.#damaged.reading(place, field, () => rollupOf(unpackRollup(row.data)));
  }
}

interface Known {
  readonly samples: number;
  readonly minutes: number;
  readonly quarters: number;
}

function prepare(database: Database) {
  return {
    series: database.prepare("SELECT id FROM series WHERE id >= ? ORDER BY id LIMIT ?"),
    firstSample: database.prepare(
      `SELECT (SELECT MIN(ts) FROM samples WHERE series = ?1 AND ts >= ?2) AS row,
         (SELECT MIN(first) FROM stretches WHERE series = ?1 AND first >= ?2) AS stretch`,
    ),
    known: database.prepare("SELECT samples, minutes, quarters FROM days WHERE series = ?1 AND first = ?2"),
    rows: database.prepare("SELECT count(*) AS rows FROM samples WHERE series = ?1 AND ts >= ?2 AND ts < ?3"),
    stretches: database.prepare(
      "SELECT count(*) AS count, COALESCE(SUM(rows), 0) AS rows FROM stretches WHERE series = ?1 AND first >= ?2 AND first < ?3",
    ),
    fields: database.prepare(
      `SELECT field FROM stretches JOIN stretch_fields ON stretch = id WHERE series = ?1 AND first >= ?2 AND first < ?3
       UNION SELECT key FROM samples, json_each(CASE WHEN json_valid(fields) THEN fields ELSE '{}' END)
         WHERE series = ?1 AND ts >= ?2 AND ts < ?3
       LIMIT ?4`,
    ),
    rollup: database.prepare("SELECT data FROM rollups WHERE series = ?1 AND step = ?2 AND first = ?3 AND field = ?4"),
  };
}
