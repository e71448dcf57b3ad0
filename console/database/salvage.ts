import { asError } from "#shared/errors";
import { openForReading, shapeBy, shapeOf, transaction, type Database } from "./database.ts";
import { plain, type Row } from "./row.ts";

type Value = string | number | bigint | Uint8Array | null;

/** What each table's rows are read by, where they are read one by one: throws for a row that is not one of its. */
export type Doors = Readonly<Record<string, (row: Row) => unknown>>;

/** What one table has yielded. */
export interface Yield {
  readonly table: string;
  readonly saved: number;
  /** Whether a part of it did not read, or was no row of this table. */
  readonly lost: boolean;
  /** Rows that its indexes know of. */
  readonly expected: number;
}

/** What means the most where it is missing, and stands first; and what follows from it. */
const meanings: Readonly<Record<string, string>> = {
  commands: "which commands were open is not known",
  accounts: "enroll the devices again",
  outboxes: "the completeness of every device's samples begins anew",
  devices: "they are known again when they speak",
};

/**
 * Reads from a damaged file, table by table, what still reads, and writes it to a new one. A table is read from its beginning and, where
 * that ends at a damaged page, from its end. Where pages of two moments were mixed, a table's pages may be those of another one, or of
 * an index: a row is taken over where its values are of the types that the table declares, and where it passes its door.
 * @returns what was saved and what was not, as a sentence
 */
export function salvage(from: string, into: Database, migrations: readonly string[], doors: Doors = {}): string {
  let source: Database | undefined;
  try {
    source = openForReading(from);
    const there = shapeOf(source);
    const yields: Yield[] = [];
    for (const [table, columns] of shapeBy(migrations)) {
      const both = columns.filter((column) => there.get(table)?.includes(column));
      const taken = both.length > 0 ? copy(source, into, table, both, doors[table]) : { saved: 0, lost: true };
      yields.push({ table, ...taken, expected: both.length > 0 ? indexed(source, table) : 0 });
    }
    return sentence(yields);
  } catch (thrown) {
    return `nothing in it could be read (${asError(thrown).message})`;
  } finally {
    if (source?.isOpen) source.close();
  }
}

/** Every table is in it: one that yielded nothing may have been empty, which nobody can tell from one whose every page is gone. */
export function sentence(yields: readonly Yield[]): string {
  const order = [...Object.keys(meanings), ...yields.map(({ table }) => table)];
  const sorted = yields.toSorted((a, b) => order.indexOf(a.table) - order.indexOf(b.table));
  const isLess = ({ saved, lost, expected }: Yield): boolean => lost || saved < expected;
  const named = (one: Yield): string => {
    const most = one.saved < one.expected ? `, by an index there were ${one.expected}` : "";
    return `${one.table} ${one.saved}${isLess(one) ? ` (not all${most})` : ""}`;
  };
  const some = sorted.filter((one) => one.saved > 0 || isLess(one)).map(named);
  const none = sorted.filter((one) => one.saved === 0 && !isLess(one)).map(({ table }) => table);
  const means = sorted.flatMap(({ table, saved }) => (saved === 0 ? (meanings[table] ?? []) : []));
  return [
    `rows taken over: ${some.join(", ") || "none"}`,
    ...(none.length > 0 ? [`nothing of ${none.join(", ")}: empty, or lost as a whole`] : []),
    ...(means.length > 0 ? [`if there was something in those, ${means.join("; ")}`] : []),
  ].join("; ");
}

function copy(
  source: Database,
  into: Database,
  table: string,
  columns: readonly string[],
  door: (row: Row) => unknown = () => {},
) {
  const list = columns.join(", ");
  const places = columns.map(() => "?").join(", ");
  const insert = into.prepare(`INSERT OR IGNORE INTO ${table} (${list}) VALUES (${places}) RETURNING *`);
  insert.setReadBigInts(true);
  const declared = typesOf(into, table);
  let saved = 0;
  let lost = false;
  const take = (row: Row): void => {
    into.exec("SAVEPOINT one");
    try {
      for (const column of columns) assertType(row[column], declared.get(column));
      const taken = insert.get(...columns.map((column) => (row[column] ?? null) as Value));
      // Of one that was there already, nothing is returned.
      if (taken) door(plain(taken as Row));
      if (taken) saved += 1;
    } catch {
      // A value of a wrong type, a row of another table, or one without the row that it belongs to.
      lost = true;
      into.exec("ROLLBACK TO one");
    }
    into.exec("RELEASE one");
  };
  transaction(into, () => {
    if (readAll(source, `SELECT ${list} FROM ${table} NOT INDEXED`, take)) return;
    lost = true;
    const key = keyOf(source, table);
    readAll(
      source,
      `SELECT ${list} FROM ${table} NOT INDEXED ORDER BY ${key.map((one) => `${one} DESC`).join(", ")}`,
      take,
    );
  });
  return { saved, lost };
}

/** What a STRICT table keeps in a column of each type. Written into one, a number would become a text without a word. */
const kept: Readonly<Record<string, string>> = { TEXT: "string", INTEGER: "bigint", REAL: "number", BLOB: "object" };

function typesOf(database: Database, table: string): ReadonlyMap<string, string | undefined> {
  const columns = database.prepare("SELECT name, type FROM pragma_table_info(?)").all(table);
  return new Map((columns as { name: string; type: string }[]).map(({ name, type }) => [name, kept[type]]));
}

function assertType(value: unknown, expected: string | undefined): void {
  if (value === null || expected === undefined || typeof value === expected) return;
  throw new TypeError(`expected a ${expected}, got a ${typeof value}`);
}

/** Rows that the table's indexes know of, at most. */
function indexed(source: Database, table: string): number {
  try {
    const indexes = source.prepare("SELECT name FROM pragma_index_list(?) WHERE partial = 0 AND origin <> 'pk'");
    const counts = (indexes.all(table) as { name: string }[]).map(({ name }) => countBy(source, table, name));
    return Math.max(0, ...counts);
  } catch {
    return 0;
  }
}

function countBy(source: Database, table: string, index: string): number {
  try {
    const row = source.prepare(`SELECT count(*) AS count FROM ${table} INDEXED BY ${index}`).get();
    return (row as { count: number }).count;
  } catch {
    return 0;
  }
}

/** By what a table is ordered in the file. */
function keyOf(source: Database, table: string): readonly string[] {
  try {
    source.prepare(`SELECT rowid FROM ${table} LIMIT 0`);
    return ["rowid"];
  } catch {
    const columns = source.prepare("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk").all(table);
    return (columns as unknown as { name: string }[]).map(({ name }) => name);
  }
}

/** @returns whether it came to the end */
function readAll(source: Database, sql: string, take: (row: Row) => void): boolean {
  try {
    const statement = source.prepare(sql);
    // Else one number beyond 2^53 would end the whole table.
    statement.setReadBigInts(true);
    for (const row of statement.iterate()) take(row as Row);
    return true;
  } catch {
    return false;
  }
}
