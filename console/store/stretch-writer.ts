import { transaction, type Database } from "../database/database.ts";
import type { FoundStretch } from "./stretch-finder.ts";

/** Late rows that are remembered while stretches are looked for: beyond them, what was found is of no use. */
export const maxLate = 10_000;

/**
 * Puts stretches into the place of their rows, each in one transaction. Between the look and that, rows may have come, or gone: what was
 * found of those is void, and nothing is changed; the next look finds them.
 */
export class StretchWriter {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepare>;
  /** What is older is about to be packed. */
  #before = Number.NEGATIVE_INFINITY;
  /** Numbers of stretches that were put there since the look: SQLite gives those of stretches that have gone again. */
  readonly #given = new Set<number>();
  #late: { readonly series: number; readonly ts: number }[] = [];

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepare(database);
  }

  /** To be called before each look. @param before the moment (epoch ms) up to which it looks */
  expect(before: number): void {
    this.#before = before;
    this.#late = [];
    this.#given.clear();
  }

  /** To be called with each row that is written, before it is committed. @returns whether it comes late */
  wrote(series: number, ts: number): boolean {
    if (ts >= this.#before) return false;
    if (this.#late.length <= maxLate) this.#late.push({ series, ts });
    return true;
  }

  /** Whether rows have come into a time since the look, or so many that it is not known. */
  isVoid(time: Pick<FoundStretch, "series" | "first" | "last">): boolean {
    return this.#late.length > maxLate || this.#late.some((one) => isOf(one, time));
  }

  /** @returns whether it was put there */
  put(found: FoundStretch): boolean {
    if (this.isVoid(found)) return false;
    if (found.replaces !== undefined && this.#given.has(found.replaces)) return false;
    try {
      for (const id of transaction(this.#database, () => this.#replace(found))) this.#given.add(id);
      return true;
    } catch (thrown) {
      if (thrown instanceof ChangedError) return false;
      throw thrown;
    }
  }

  /** @returns the numbers of what was put there */
  #replace({ series, first, last, rows, kept, replaces, packed }: FoundStretch): number[] {
    const { deleteRows, deleteStretch, putStretch, putField } = this.#statements;
    if (replaces !== undefined && deleteStretch.run(replaces).changes !== 1) throw new ChangedError();
    if (deleteRows.run(series, first, last, JSON.stringify(kept)).changes !== rows) throw new ChangedError();
    return packed.map((one) => {
      const { id } = putStretch.get(series, one.first, one.last, one.rows, one.times) as { id: number };
      for (const { field, data } of one.fields) putField.run(id, field, data);
      return id;
    });
  }
}

/** The rows, or the stretch, are not those any more that were packed. */
class ChangedError extends Error {}

function isOf(
  row: { readonly series: number; readonly ts: number },
  { series, first, last }: Pick<FoundStretch, "series" | "first" | "last">,
): boolean {
  return row.series === series && row.ts >= first && row.ts <= last;
}

function prepare(database: Database) {
  return {
    deleteRows: database.prepare(
      "DELETE FROM samples WHERE series = ?1 AND ts >= ?2 AND ts <= ?3 AND ts NOT IN (SELECT value FROM json_each(?4))",
    ),
    deleteStretch: database.prepare("DELETE FROM stretches WHERE id = ?"),
    putStretch: database.prepare(
      "INSERT INTO stretches (series, first, last, rows, times) VALUES (?, ?, ?, ?, ?) RETURNING id",
    ),
    putField: database.prepare("INSERT INTO stretch_fields (stretch, field, data) VALUES (?, ?, ?)"),
  };
}
