import { asError } from "#shared/errors";
import { openForReading, shapeBy, shapeOf, transaction, type Database } from "./database.ts";

type Value = string | number | bigint | Uint8Array | null;
type Row = Readonly<Record<string, Value>>;

/**
 * Reads from a damaged file, table by table, what still reads, and writes it to a new one. A table is read from its beginning and, where
 * that ends at a damaged page, from its end.
 * @returns what was saved, as a sentence
 */
export function salvage(from: string, into: Database, migrations: readonly string[]): string {
  let source: Database | undefined;
  try {
    source = openForReading(from);
    const there = shapeOf(source);
    const counts: string[] = [];
    for (const [table, columns] of shapeBy(migrations)) {
      const both = columns.filter((column) => there.get(table)?.includes(column));
      const { saved, lost } = both.length > 0 ? copy(source, into, table, both) : { saved: 0, lost: true };
      if (saved > 0 || lost) counts.push(`${table} ${saved}${lost ? " (not all)" : ""}`);
    }
    return `rows taken over: ${counts.join(", ") || "none"}`;
  } catch (thrown) {
    return `nothing in it could be read (${asError(thrown).message})`;
  } finally {
    if (source?.isOpen) source.close();
  }
}

function copy(source: Database, into: Database, table: string, columns: readonly string[]) {
  const list = columns.join(", ");
  const insert = into.prepare(`INSERT OR IGNORE INTO ${table} (${list}) VALUES (${columns.map(() => "?").join(", ")})`);
  let saved = 0;
  let lost = false;
  const take = (row: Row): void => {
    try {
      saved += insert.run(...columns.map((column) => row[column] ?? null)).changes;
    } catch {
      // A value of a wrong type, or a row without the one that it belongs to.
      lost = true;
    }
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
    for (const row of source.prepare(sql).iterate()) take(row as Row);
    return true;
  } catch {
    return false;
  }
}
