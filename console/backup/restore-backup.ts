import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DirectoryLock } from "#disk/directory-lock";
import { makeDirectory } from "#disk/durable-file";
import { fullAdvice, isDiskFull } from "#disk/full-disk";
import type { Clock } from "#shared/clock";
import { asError, BadInputError, EnvironmentError } from "#shared/errors";
import type { Log } from "#shared/log";
import { readAnchor } from "../audit/anchor.ts";
import { openForReading, openForWriting } from "../database/database.ts";
import { FilesOfBefore } from "../database/files-of-before.ts";
import { closeDatabase } from "../database/group-sync.ts";
import { nextMark, readMark, writeMark } from "../database/mark.ts";
import { databaseFiles } from "../database/mend.ts";
import { openState } from "../state/state.ts";
import { exchange, finishExchange, stageIn, staysInPlace } from "../state/exchange.ts";
import { copyHashed, paddingAfter, readFully, readHeader } from "./archive.ts";
import { manifestName, maxManifestBytes, parseManifest, type Manifest } from "./manifest.ts";

export interface RestoreOptions {
  readonly file: string;
  /** The data directory that is to be; no console may be at work in it. */
  readonly directory: string;
  /** Whether one that holds something is set aside. */
  readonly force: boolean;
  /** Who restores, for the audit log. */
  readonly who: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RestoredBackup {
  /** When the backup was made, epoch ms. */
  readonly at: number;
  /** Where the directory of before is now. */
  readonly before: string | undefined;
}

/**
 * Puts a backup in the place of what is in a data directory, which no console can use from the first look until the end. All of it is
 * unpacked and compared with its hashes before anything is replaced; a restore that is cut off is gone on with by the next start. What
 * was queued in it is put in doubt, so that no old command fires again, and the audit log goes on with an entry that says so. The
 * directory of this machine's agent stays: it belongs to the machine.
 * @throws BadInputError for a file that is no whole backup, or a directory that holds something; EnvironmentError where a console works in it
 */
export function restoreBackup(options: RestoreOptions): RestoredBackup {
  const { file, directory, log } = options;
  const made = !existsSync(directory);
  if (made) makeDirectory(directory);
  const lock = new DirectoryLock("console", directory, log);
  try {
    lock.acquire();
    return restoreAlone(options);
  } catch (thrown) {
    if (thrown instanceof BadInputError || thrown instanceof EnvironmentError) throw thrown;
    const advice = isDiskFull(thrown) ? fullAdvice : asError(thrown).message;
    throw new EnvironmentError(`${file} could not be restored to ${directory}: ${advice}`, { cause: thrown });
  } finally {
    lock.release();
    if (made) removeWhereEmpty(directory);
  }
}

function restoreAlone(options: RestoreOptions): RestoredBackup {
  const { file, directory, force, clock } = options;
  finishExchange(directory);
  const isThere = readdirSync(directory).some((name) => name === "agent" || !staysInPlace(name));
  if (isThere && !force)
    throw new BadInputError(
      `${directory} is not empty: with --force what is in it is set aside, and the backup takes its place`,
    );
  const stage = stageIn(directory, randomBytes(6).toString("hex"));
  mkdirSync(stage, { mode: 0o700 });
  let begun = false;
  try {
    const { at } = unpack(file, stage);
    settle(options, stage, at);
    const before = placeOfBefore(directory, clock.now());
    begun = true;
    exchange(directory, { stage, before });
    return { at, before: isThere ? before : undefined };
  } finally {
    if (!begun) rmSync(stage, { recursive: true, force: true });
  }
}

/** Beside the directory; in it where it is a mount point, since nothing can be moved out of one. */
function placeOfBefore(directory: string, now: number): string {
  const whole = resolve(directory);
  const name = `before-${new Date(now).toISOString().replaceAll(/[:.]/g, "-")}`;
  return statSync(whole).dev === statSync(dirname(whole)).dev ? `${whole}.${name}` : join(whole, name);
}

/** The directory that was made for a restore which did not come to it. */
function removeWhereEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Something is in it: the restore, or what somebody has put there since.
  }
}

function unpack(file: string, stage: string): Manifest {
  const source = openSync(file, constants.O_RDONLY);
  try {
    const manifest = readManifest(source, file);
    const awaited = new Map(manifest.files.map((one) => [one.name, one]));
    for (let entry = readHeader(source); entry; entry = readHeader(source)) {
      const { name, size } = entry;
      const told = awaited.get(name);
      if (told?.size !== size) throw new BadInputError(`${file} is damaged: ${name} is not as its list says`);
      awaited.delete(name);
      if (staysInPlace(name.split("/")[0] ?? ""))
        throw new BadInputError(`${file} is no backup of Muster's: ${name} belongs to a machine, and is in none`);
      mkdirSync(dirname(join(stage, name)), { recursive: true, mode: 0o700 });
      const out = openSync(join(stage, name), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      try {
        if (copyHashed(source, out, size, true) !== told.sha256)
          throw new BadInputError(`${file} is damaged: ${name} is another one than was put in`);
        fsyncSync(out);
      } finally {
        closeSync(out);
      }
    }
    const [missing] = awaited.keys();
    if (missing !== undefined) throw new BadInputError(`${file} is damaged: ${missing} is missing in it`);
    if (!existsSync(join(stage, "muster.db"))) throw new BadInputError(`${file} has no muster.db in it`);
    return manifest;
  } finally {
    closeSync(source);
  }
}

function readManifest(source: number, file: string): Manifest {
  const first = readHeader(source);
  if (first?.name !== manifestName || first.size > maxManifestBytes)
    throw new BadInputError(`${file} is no backup of Muster's: it does not begin with ${manifestName}`);
  const text = Buffer.alloc(first.size);
  readFully(source, text);
  readFully(source, paddingAfter(first.size));
  return parseManifest(text.toString("utf8"));
}

/** Says in the copy that it is one, before it is in its place. */
function settle({ directory, clock, log, who, file }: RestoreOptions, stage: string, at: number): void {
  const state = openState(stage, clock, log, { syncsEach: true });
  try {
    state.setbacks.note(
      "muster.db",
      at,
      `the console's state was put back to a backup of ${new Date(at).toISOString()}`,
    );
    const known = readAnchor(directory);
    const head = state.audit.head();
    const detail = { made: new Date(at).toISOString() };
    if (known && known.n > (head?.n ?? 0)) state.audit.fork(known, `a backup of ${detail.made} was restored`);
    state.audit.record({ who, from: "cli", what: "data.restored", on: file, detail });
  } finally {
    state.close();
  }
  markAlike(stage, clock.now(), log);
}

/** They were copied one after the other, while marks were made. */
function markAlike(stage: string, now: number, log: Log): void {
  const there = databaseFiles.filter((name) => existsSync(join(stage, name)));
  const numbers = there.map((name) => {
    const database = openForReading(join(stage, name));
    const number = readMark(database)?.number ?? 0;
    database.close();
    return number;
  });
  const newest = Math.max(0, ...numbers);
  // A console that never ran in it has marked nothing.
  if (newest === 0) return;
  const mark = nextMark(newest, { at: now, started: newest, files: there });
  for (const name of there) {
    const database = openForWriting(join(stage, name));
    try {
      writeMark(database, mark);
    } finally {
      closeDatabase(database);
    }
  }
  // The list was written when that run began, and would look older than the marks that came after.
  const list = new FilesOfBefore(stage, log);
  list.missing();
  list.note(newest);
}
