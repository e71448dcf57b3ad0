import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { DatabaseSync } from "@photostructure/sqlite";
import { makeDirectory } from "#disk/durable-file";
import { asError, EnvironmentError } from "#shared/errors";
import type { Log } from "#shared/log";
import { fullAdvice, hasNoRoom, isDiskFull } from "#disk/full-disk";
import { privateFile } from "#disk/private-files";
import { whyNoFile } from "#disk/regular-file";
import { keepSchemaCopy } from "./schema-copy.ts";

export type Database = InstanceType<typeof DatabaseSync>;

/** What stands in the file cannot be used: it is no database, or a damaged one, or another one. The disk and its rights are well. */
export class DamagedFileError extends Error {
  override readonly name = "DamagedFileError" as const;
}

export interface OpenOptions {
  /** Whether every page is looked at, 4 ms a MiB; without it only what the opening needs. True by default. */
  readonly check?: boolean;
  /** Milliseconds that a statement waits for another process's lock. {@link busyPatience} by default; a process that serves nobody waits longer. */
  readonly patience?: number;
  /** Told of a copy that has to be made first: of a large file it takes seconds, in which nothing else is done. */
  readonly log?: Pick<Log, "info">;
}

/**
 * Milliseconds that a statement waits for a lock of another process (`muster enroll` beside a console), in which the event loop stands: less
 * than the 50 ms that anything may hold it. Whoever meets a longer one tries again later.
 */
export const busyPatience = 40;
/** The same for a program that has nothing else to do, and for the opening. */
export const longPatience = 15_000;

/**
 * Opens (and where needed makes) a SQLite file and brings it to its newest schema: `migrations` are applied from the
 * file's `user_version` on, each once, in a transaction. The write-ahead log with `synchronous = NORMAL` keeps every
 * commit through a kill of the process. A power cut takes those that nobody has awaited with `syncOf` (group-sync.ts): whatever is told,
 * acknowledged or answered on the strength of a commit waits for that first. Never the file. To be closed with `closeDatabase`.
 * @throws EnvironmentError when the directory or file cannot be used, DamagedFileError for what stands in it
 */
export function openDatabase(
  path: string,
  migrations: readonly string[],
  { check = true, patience = busyPatience, log }: OpenOptions = {},
): Database {
  let database: Database | undefined;
  try {
    makeDirectory(dirname(path));
    assertFile(path);
    if (statSync(path, { throwIfNoEntry: false })?.size === 0) throw new DamagedFileError(`${path} is empty`);
    // SQLite gives the files beside it the mode of this one.
    for (const suffix of ["-wal", "-shm"]) if (existsSync(path + suffix)) privateFile(path + suffix);
    privateFile(path);
    database = new DatabaseSync(path);
    database.exec(`PRAGMA busy_timeout = ${longPatience}`);
    // It is written into the file even where it is so already, which a full disk refuses.
    if (isNew(database)) database.exec("PRAGMA auto_vacuum = INCREMENTAL");
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;");
    migrate(database, path, migrations, log);
    assertShape(database, migrations);
    if (check) assertSound(database);
    database.exec(`PRAGMA busy_timeout = ${patience}`);
    return database;
  } catch (cause) {
    if (database?.isOpen) database.close();
    if (cause instanceof EnvironmentError || cause instanceof DamagedFileError) throw cause;
    if (isDamage(cause) || isOtherSchema(cause))
      throw new DamagedFileError(`${path} is damaged: ${asError(cause).message}`, { cause });
    throw new EnvironmentError(`cannot open the database ${path}: ${openingAdvice(cause, path)}`, { cause });
  }
}

/** Of a full disk SQLite says now this and now that. */
function openingAdvice(cause: unknown, path: string): string {
  if (isRefusedWrite(cause) && (codeOf(cause) === full || isDiskFull(cause) || hasNoRoom(dirname(path))))
    return fullAdvice;
  return "check that its directory exists and can be written, or set MUSTER_DATA";
}

/**
 * A new file without a log beside it, so that it is whole under any name. (A connection lives on behind `close` as long as
 * a statement of it has not been collected, and its log with it.) @throws EnvironmentError where there is no room for it
 */
export function makeDatabase(path: string, migrations: readonly string[]): Database {
  try {
    privateFile(path);
    const database = new DatabaseSync(path);
    database.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = DELETE; PRAGMA foreign_keys = ON;");
    migrate(database, path, migrations);
    return database;
  } catch (cause) {
    throw new EnvironmentError(`cannot make ${path} in the place of a damaged file: make room on its disk`, { cause });
  }
}

/** What SQLite keeps beside a database's own file. */
export const besides = ["-wal", "-shm", "-journal"] as const;

/** SQLite would wait for a pipe for ever, and read a device. */
function assertFile(path: string): void {
  for (const part of ["", ...besides]) {
    const why = whyNoFile(path + part);
    if (why !== undefined) throw new DamagedFileError(why);
  }
}

/** Opens a file as it is, to read what still reads. @throws DamagedFileError where it is none */
export function openForReading(path: string): Database {
  assertFile(path);
  return new DatabaseSync(path, { readOnly: true });
}

/** Opens a file that another connection of this process has open, to move its log into it, and for nothing else. */
export function openForCheckpoints(path: string): Database {
  assertFile(path);
  const there = pathToFileURL(path);
  // Where it was taken away, none is made in its place.
  there.search = "?mode=rw";
  const database = new DatabaseSync(there);
  database.exec("PRAGMA synchronous = NORMAL");
  return database;
}

/** Opens a file as it is, for one row. To be closed with `closeDatabase`. */
export function openForWriting(path: string): Database {
  assertFile(path);
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA busy_timeout = ${longPatience}; PRAGMA synchronous = FULL`);
  return database;
}

/** SQLite's codes for what stands in a file, and not for whether it may be used: CORRUPT, FORMAT, NOTADB. */
const damageCodes: ReadonlySet<unknown> = new Set([11, 24, 26]);
/** The binding tells no code where the first step of a query fails. */
const malformed = /^database disk image is malformed$/;

/** Whether SQLite stumbled over the content of its file. */
export function isDamage(thrown: unknown): boolean {
  return damageCodes.has(codeOf(thrown)) || (thrown instanceof Error && malformed.test(thrown.message));
}

/** SQLite's codes for a file that cannot be written for now: BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN. */
const refusalCodes: ReadonlySet<unknown> = new Set([5, 6, 8, 10, 13, 14]);
/** FULL. */
const full = 13;
/** BUSY, LOCKED. */
const lockCodes: ReadonlySet<unknown> = new Set([5, 6]);

/** Whether the disk did not take a write: the same one may be tried again when there is room. */
export function isRefusedWrite(thrown: unknown): boolean {
  return refusalCodes.has(codeOf(thrown)) || isDiskFull(thrown);
}

/** Whether somebody else holds the lock: another process writes, for a moment. */
export function isLocked(thrown: unknown): boolean {
  return lockCodes.has(codeOf(thrown));
}

/** A migration that fails by its own SQL, because its table is there already, has met another schema than the number says. */
function isOtherSchema(thrown: unknown): boolean {
  return codeOf(thrown) === 1;
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && "sqliteCode" in thrown ? thrown.sqliteCode : undefined;
}

/** Schemas that a newer Muster may have at most; a number beyond is damage. */
const versionsAhead = 1_000;

function migrate(database: Database, path: string, migrations: readonly string[], log?: Pick<Log, "info">): void {
  const version = versionOf(database);
  if (version < 0 || version > migrations.length + versionsAhead)
    throw new DamagedFileError(`${path} is damaged: its schema cannot have the number ${version}`);
  if (version > migrations.length && !shares(database, migrations))
    throw new DamagedFileError(`${path} is another database: it has none of the tables that it should have`);
  if (version > migrations.length) {
    throw new EnvironmentError(
      `${path} was written by a newer Muster (schema ${version}, this one knows ${migrations.length}): use that version`,
    );
  }
  if (version > 0 && version < migrations.length) {
    const { size: bytes } = statSync(path);
    log?.info({ path, bytes }, "a database has the schema of an older Muster: it is copied before that is changed");
    keepSchemaCopy(path, version, (to) => void database.prepare("VACUUM INTO ?").run(to));
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue;
    transaction(database, () => database.exec(`${migration}; PRAGMA user_version = ${index + 1}`));
  }
}

/** A table and its columns, in their order. */
export type Shape = ReadonlyMap<string, readonly string[]>;

/** The tables that a database has. */
export function shapeOf(database: Database): Shape {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'");
  const columns = database.prepare("SELECT name FROM pragma_table_info(?)");
  const names = (rows: unknown): string[] => (rows as { name: string }[]).map(({ name }) => name);
  return new Map(names(tables.all()).map((table) => [table, names(columns.all(table))]));
}

const shapes = new WeakMap<readonly string[], Shape>();

/** The tables that `migrations` make. */
export function shapeBy(migrations: readonly string[]): Shape {
  const known = shapes.get(migrations);
  if (known) return known;
  const model = new DatabaseSync(":memory:");
  for (const migration of migrations) model.exec(migration);
  const shape = shapeOf(model);
  model.close();
  shapes.set(migrations, shape);
  return shape;
}

/** A newer Muster's file has more tables, but it has some of these too: others than the one that all of the console's databases have. */
function shares(database: Database, migrations: readonly string[]): boolean {
  const actual = shapeOf(database);
  return [...shapeBy(migrations).keys()].some((table) => table !== "mark" && actual.has(table));
}

/** Another program's database, or another one of ours, has other tables. */
function assertShape(database: Database, migrations: readonly string[]): void {
  const [problem] = shapeProblems(database, migrations);
  if (problem !== undefined) throw new DamagedFileError(problem);
}

/** Tables that are not as `migrations` make them. */
export function shapeProblems(database: Database, migrations: readonly string[]): string[] {
  const actual = shapeOf(database);
  return [...shapeBy(migrations)]
    .filter(([table, columns]) => String(actual.get(table)) !== String(columns))
    .map(
      ([table, columns]) =>
        `it is not the database that it should be: expected a table ${table} (${columns.join(", ")})`,
    );
}

function isNew(database: Database): boolean {
  return (database.prepare("PRAGMA page_count").get() as { page_count: number }).page_count === 0;
}

/** How many migrations have made it. */
export function versionOf(database: Database): number {
  return (database.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
}

/** What a look at every page, row and index finds wrong, twelve times as long as the one at each start. @param table of it alone */
export function faultsOf(database: Database, table = "20"): string[] {
  try {
    const rows = database.prepare(`PRAGMA integrity_check(${table})`).all() as Record<string, unknown>[];
    const faults = rows.map((row) => String(Object.values(row)[0]));
    return faults.length === 1 && faults[0] === "ok" ? [] : faults;
  } catch (thrown) {
    // Over some damage the look itself stumbles.
    if (!isDamage(thrown)) throw thrown;
    return [asError(thrown).message];
  }
}

function assertSound(database: Database): void {
  const [first] = database.prepare("PRAGMA quick_check(1)").all() as Record<string, unknown>[];
  const said = String(Object.values(first ?? {})[0]);
  if (said !== "ok") throw new DamagedFileError(`it is damaged: ${said}`);
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
