import type { Database } from "../../database/database.ts";
import type { Gone, CutMoments } from "../trim-log.ts";
import { minute, quarter } from "./rollup.ts";

/** Lets go of days that are rolled up, each step for itself. */
export class DayTrimmer {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #stretchCost: number;

  /** @param stretchCost how many rows a stretch is as costly as */
  constructor(database: Database, stretchCost: number) {
    this.#statements = prepare(database);
    this.#stretchCost = stretchCost;
  }

  /** @param most what it may cost, in rows @returns what it has cost, all of `most` where there is more */
  letGo(series: number, until: CutMoments, most: number): Gone & { readonly cost: number } {
    const its = this.#statements;
    let [left, rows, days] = [most, 0, 0];
    const whole = its.withSamples.all(series, until.samples) as unknown as Day[];
    for (const { first, until: end } of whole) {
      const gone = this.#letSamplesGo(series, first, end, left);
      left -= gone.cost;
      rows += gone.rows;
      if (!gone.isAll || left <= 0) return { cost: most, rows, days };
    }
    // There may be more, and samples that go by themselves must not go before their day.
    if (whole.length === daysAtOnce) return { cost: most, rows, days };
    for (const [step, old, forget] of [
      [minute, its.withMinutes.all(series, until.minutes), its.noMinutes],
      [quarter, its.withQuarters.all(series, until.quarters), its.noQuarters],
    ] as const) {
      for (const { first } of old as unknown as Day[]) {
        days += 1;
        left -= 1 + its.deleteRollups.run(series, step, first).changes;
        forget.run(series, first);
        if (left <= 0) return { cost: most, rows, days };
      }
      if (old.length === daysAtOnce) return { cost: most, rows, days };
    }
    if (left < most) its.deleteEmpty.run(series);
    return { cost: most - left, rows, days };
  }

  /** Some at a time: until all have gone, those that are left count for nobody. */
  #letSamplesGo(series: number, first: number, until: number, most: number) {
    const { going, deleteStretches, deleteRows, gone } = this.#statements;
    going.run(series, first);
    const stretches = Math.max(1, Math.floor(most / this.#stretchCost));
    const whole = deleteStretches.all(series, first, until, stretches) as unknown as { rows: number }[];
    const isWhole = whole.length < stretches;
    const single = isWhole ? deleteRows.run(series, first, until, most).changes : 0;
    const isAll = isWhole && single < most;
    if (isAll) gone.run(series, first);
    return {
      isAll,
      cost: 1 + whole.length * this.#stretchCost + single,
      rows: single + whole.reduce((sum, one) => sum + one.rows, 0),
    };
  }
}

interface Day {
  readonly first: number;
  readonly until: number;
}

/** Days of one series that are looked at in one turn. */
const daysAtOnce = 100;

function prepare(database: Database) {
  const daysWith = (what: string): string =>
    `SELECT first, until FROM days WHERE series = ?1 AND ${what} > 0 AND first < ?2 AND until <= ?2 ORDER BY first LIMIT ${daysAtOnce}`;
  const change = (what: string): string => `UPDATE days SET ${what} WHERE series = ?1 AND first = ?2`;
  return {
    withSamples: database.prepare(daysWith("samples")),
    withMinutes: database.prepare(daysWith("minutes")),
    withQuarters: database.prepare(daysWith("quarters")),
    going: database.prepare(change("samples = 1")),
    gone: database.prepare(change("samples = 0")),
    noMinutes: database.prepare(change("minutes = 0")),
    noQuarters: database.prepare(change("quarters = 0")),
    deleteStretches: database.prepare(
      `DELETE FROM stretches WHERE id IN (
         SELECT id FROM stretches WHERE series = ?1 AND first >= ?2 AND first < ?3 ORDER BY first LIMIT ?4) RETURNING rows`,
    ),
    deleteRows: database.prepare(
      `DELETE FROM samples WHERE series = ?1 AND ts IN (
         SELECT ts FROM samples WHERE series = ?1 AND ts >= ?2 AND ts < ?3 ORDER BY ts LIMIT ?4)`,
    ),
    deleteRollups: database.prepare("DELETE FROM rollups WHERE series = ?1 AND step = ?2 AND first = ?3"),
    deleteEmpty: database.prepare(
      "DELETE FROM days WHERE series = ?1 AND samples = 0 AND minutes = 0 AND quarters = 0",
    ),
  };
}
