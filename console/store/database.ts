import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { EnvironmentError } from "#shared/errors";
import { privateFile } from "#shared/private-files";

export type Database = InstanceType<typeof DatabaseSync>;

/**
 * Opens (and where needed makes) a SQLite file and brings it to its newest schema: `migrations` are applied from the
 * file's `user_version` on, each once, in a transaction. The write-ahead log with `synchronous = NORMAL` keeps every
 * commit through a kill of the process; a power cut may take the last ones, never the file.
 * @throws EnvironmentError when the directory or file cannot be used
 */
export function openDatabase(path: string, migrations: readonly string[]): Database {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite gives the files beside it the mode of this one.
    for (const suffix of ["-wal", "-shm"]) if (existsSync(path + suffix)) privateFile(path + suffix);
    privateFile(path);
    const database = new DatabaseSync(path);
    database.exec(
      "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;",
    );
    migrate(database, path, migrations);
    return database;
  } catch (cause) {
    if (cause instanceof EnvironmentError) throw cause;
    throw new EnvironmentError(
      `cannot open the database ${path}: check that its directory exists and can be written, or set MUSTER_DATA`,
      { cause },
    );
  }
}

function migrate(database: Database, path: string, migrations: readonly string[]): void {
  const row = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (row.user_version > migrations.length) {
    throw new EnvironmentError(
      `${path} was written by a newer Muster (schema ${row.user_version}, this one knows ${migrations.length}): use that version`,
    );
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < row.user_version) continue;
    transaction(database, () => database.exec(`${migration}; PRAGMA user_version = ${index + 1}`));
  }
}

/** Runs `work` in one transaction: all of it or, when it throws, nothing. */
export function transaction<T>(database: Database, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // A full disk has rolled back by itself, and a second time would fail and hide the cause.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
