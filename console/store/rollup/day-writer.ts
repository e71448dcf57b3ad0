import { transaction, type Database } from "../../database/database.ts";
import type { FoundDay } from "./day-finder.ts";
import { minute, quarter } from "./rollup.ts";

/**
 * Puts roll-ups beside their samples, each day of a series in one transaction, and takes them away again in the one that writes a sample into it. Where the
 * samples have gone, what has come since goes as well: the roll-ups have it.
 */
export class DayWriter {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepare>;
  /** No day that is rolled up ends later; undefined until it is looked up. */
  #known: number | undefined;
  /** Of each series the day that is known to have no roll-ups to take away. */
  readonly #free = new Map<number, { readonly first: number; readonly until: number }>();

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepare(database);
  }

  /** Looked up with the first row and not before: a file that is damaged there is found out by what writes, which knows what to do. */
  get #latest(): number {
    this.#known ??= (this.#statements.latest.get() as { until: number | null }).until ?? Number.NEGATIVE_INFINITY;
    return this.#known;
  }

  /** To be called with each row that is written, before it is committed. @returns whether there is a day to be rolled up anew */
  wrote(series: number, ts: number): boolean {
    if (ts >= this.#latest) return false;
    const free = this.#free.get(series);
    if (free && ts >= free.first && ts < free.until) return false;
    const { dayAt, nextDay, deleteDay } = this.#statements;
    const day = dayAt.get(series, ts) as Marked | undefined;
    const isIn = day !== undefined && ts < day.until;
    if (day && isIn && day.samples === 2) deleteDay.run(series, day.first);
    const next = nextDay.get(series, ts) as { first: number | null };
    const first = isIn ? day.first : Math.max(ts, day?.until ?? ts);
    this.#free.set(series, { first, until: isIn ? day.until : (next.first ?? Infinity) });
    return true;
  }

  /** To be called where what was written last was not committed. */
  undone(): void {
    this.#free.clear();
  }

  /** @returns whether it was put there: not where samples have come or gone */
  put(found: FoundDay): boolean {
    try {
      transaction(this.#database, () => this.#put(found));
    } catch (thrown) {
      if (thrown instanceof OtherDayError) return false;
      throw thrown;
    }
    this.#free.clear();
    this.#known = Math.max(this.#latest, found.until);
    return true;
  }

  #put({ series, first, until, rows, stretches, isAgain, rollups }: FoundDay): void {
    const its = this.#statements;
    const there = its.there.get(series, first, until) as { rows: number; stretches: number };
    const known = its.dayAt.get(series, first) as Marked | undefined;
    const isKnown = known?.first === first;
    if (there.rows !== rows || there.stretches !== stretches || isKnown !== isAgain) throw new OtherDayError();
    if (isAgain && known?.samples !== 0) throw new OtherDayError();
    for (const { step, field, data } of rollups) its.putRollup.run(series, step, first, field, data);
    if (isAgain) {
      its.deleteRows.run(series, first, until);
      its.deleteStretches.run(series, first, until);
    } else its.putDay.run(series, first, until);
    its.measure.run(series, first);
  }
}

/** There are other samples than those that were rolled up. */
class OtherDayError extends Error {}

interface Marked {
  readonly first: number;
  readonly until: number;
  readonly samples: number;
}

function prepare(database: Database) {
  const bytes = (step: number): string =>
    `(SELECT COALESCE(SUM(length(data)), 0) FROM rollups WHERE series = ?1 AND step = ${step} AND first = ?2)`;
  return {
    latest: database.prepare("SELECT MAX(until) AS until FROM days"),
    dayAt: database.prepare(
      "SELECT first, until, samples FROM days WHERE series = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1",
    ),
    nextDay: database.prepare("SELECT MIN(first) AS first FROM days WHERE series = ?1 AND first > ?2"),
    deleteDay: database.prepare("DELETE FROM days WHERE series = ?1 AND first = ?2"),
    there: database.prepare(
      `SELECT (SELECT count(*) FROM samples WHERE series = ?1 AND ts >= ?2 AND ts < ?3) AS rows,
         (SELECT count(*) FROM stretches WHERE series = ?1 AND first >= ?2 AND first < ?3) AS stretches`,
    ),
    putRollup: database.prepare(
      "INSERT INTO rollups (series, step, first, field, data) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data",
    ),
    putDay: database.prepare(
      "INSERT INTO days (series, first, until, samples, minutes, quarters) VALUES (?, ?, ?, 2, 0, 0)",
    ),
    measure: database.prepare(
      `UPDATE days SET minutes = ${bytes(minute)}, quarters = ${bytes(quarter)} WHERE series = ?1 AND first = ?2`,
    ),
    deleteRows: database.prepare("DELETE FROM samples WHERE series = ?1 AND ts >= ?2 AND ts < ?3"),
    deleteStretches: database.prepare("DELETE FROM stretches WHERE series = ?1 AND first >= ?2 AND first < ?3"),
  };
}
