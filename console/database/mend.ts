import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { syncDirectory } from "#disk/durable-file";
import { asError } from "#shared/errors";
import { whyNoFile } from "#disk/regular-file";
import {
  besides,
  DamagedFileError,
  faultsOf,
  makeDatabase,
  openDatabase,
  type Database,
  type OpenOptions,
} from "./database.ts";
import { salvage, type Doors } from "./salvage.ts";

/** A database file that could not be used, and what became of it. */
export interface DamagedFile {
  /** Its name: `muster.db`. */
  readonly file: string;
  /** The name under which it stands beside the new one. */
  readonly keptAs: string;
  readonly why: string;
  /** What was taken over into the new file, as a sentence. */
  readonly saved: string;
}

export interface MendOptions extends OpenOptions {
  readonly path: string;
  readonly migrations: readonly string[];
  /** Epoch ms: it names what is set aside. */
  readonly now: () => number;
  /** Whether the rows that still read are taken over; else the new file begins empty. */
  readonly rescue: boolean;
  /** By what the rows that are taken over are read; of a table without one, by their types alone. */
  readonly doors?: Doors;
  readonly told: (damaged: DamagedFile) => void;
  /**
   * Runs what gives files other names, which no other process may have open: by default at once, as for whoever holds the directory's lock.
   * @throws EnvironmentError where another one works with them
   */
  readonly alone?: ((why: string, work: () => Database) => Database) | undefined;
}

/** The console's databases, by their names in the data directory. */
export const databaseFiles = ["muster.db", "metrics.db", "spool.db", "held.db"] as const;

/** Damaged files of one database kept beside it; the oldest go. Each may be as large as the database was. */
export const maxDamagedFiles = 3;

/**
 * Opens a database whatever stands in its file. A damaged one is set aside with its log as `NAME.damaged-TIME`, and a new one takes its
 * place, with the rows that still read where that is asked for.
 * @throws EnvironmentError when the directory or file cannot be used, or was written by a newer Muster
 */
export function openMended(options: MendOptions): Database {
  const { path, migrations, alone } = options;
  const why = alone && whyUnready(path);
  if (alone && why !== undefined) return alone(why, () => openMended({ ...options, alone: undefined }));
  finish(path);
  clearBeside(options);
  try {
    return openDatabase(path, migrations, options);
  } catch (thrown) {
    if (!(thrown instanceof DamagedFileError)) throw thrown;
    // Who was at work till now may have mended it.
    if (alone) return alone(thrown.message, () => openMended({ ...options, alone: undefined }));
    return mend(options, thrown);
  }
}

/** A new file in the place of a damaged one, which nobody may have open: for whoever holds the directory's lock. */
export function mend({ path, migrations, now, rescue, doors, told, ...options }: MendOptions, why: Error): Database {
  const made = `${path}${unfinished}`;
  removeAll(made);
  const database = makeDatabase(made, migrations);
  const saved = rescue ? salvage(path, database, migrations, doors) : "nothing was taken over";
  database.close();
  const keptAs = setAside(path, now());
  renameSync(made, path);
  syncDirectory(dirname(path));
  told({ file: basename(path), keptAs: basename(keptAs), why: asError(why).message, saved });
  return openDatabase(path, migrations, { ...options, check: false });
}

/**
 * Makes the indexes of these tables anew where they do not fit: a flipped bit in one hides a row from whoever looks it up, and the look
 * at every page does not see it.
 * @returns for each table that was mended, what was wrong
 */
export function mendIndexes(
  database: Database,
  tables: readonly string[],
): readonly (readonly [table: string, why: string])[] {
  return tables.flatMap((table): (readonly [string, string])[] => {
    const faults = faultsOf(database, table);
    if (faults.length === 0) return [];
    try {
      database.exec(`REINDEX ${table}`);
      return [[table, `its index did not fit it and was made anew: ${faults.join("; ")}`]];
    } catch (thrown) {
      return [[table, `its index does not fit it, and cannot be made anew: ${asError(thrown).message}`]];
    }
  });
}

const unfinished = ".new";
const parts = ["", ...besides];

/** Why files would get other names before the database is even opened. */
function whyUnready(path: string): string | undefined {
  if (isCutOff(path)) return `${path} was being mended`;
  return besides.map((part) => whyNoFile(path + part)).find((why) => why !== undefined);
}

/** A kill between the two renames has left no file but a finished new one. */
function isCutOff(path: string): boolean {
  const made = `${path}${unfinished}`;
  return !existsSync(path) && existsSync(made) && !existsSync(`${made}-journal`);
}

function finish(path: string): void {
  if (isCutOff(path)) renameSync(`${path}${unfinished}`, path);
}

/** What stands in the place of a log and is no file holds nothing of ours, and is no reason to begin the database anew. */
function clearBeside({ path, now, told }: MendOptions): void {
  for (const part of besides) {
    const why = whyNoFile(path + part);
    if (why === undefined) continue;
    const keptAs = asideName(path + part, now());
    renameSync(path + part, keptAs);
    const saved = "what had not been moved from it into the database is lost";
    told({ file: basename(path + part), keptAs: basename(keptAs), why, saved });
  }
}

function asideName(path: string, now: number): string {
  return `${path}.damaged-${new Date(now).toISOString().replaceAll(/[:.]/g, "-")}`;
}

function setAside(path: string, now: number): string {
  const keptAs = asideName(path, now);
  for (const part of parts) if (existsSync(path + part)) renameSync(path + part, keptAs + part);
  const beside = readdirSync(dirname(path))
    .filter(
      (name) => name.startsWith(`${basename(path)}.damaged-`) && !parts.slice(1).some((part) => name.endsWith(part)),
    )
    .sort();
  for (const oldest of beside.slice(0, -maxDamagedFiles)) removeAll(join(dirname(path), oldest));
  return keptAs;
}

function removeAll(path: string): void {
  for (const part of parts) rmSync(path + part, { force: true });
}
