import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DirectoryLock } from "#disk/directory-lock";
import { makeDirectory, syncDirectory } from "#disk/durable-file";
import { fullAdvice, isDiskFull } from "#disk/full-disk";
import type { Clock } from "#shared/clock";
import { asError, BadInputError, EnvironmentError } from "#shared/errors";
import type { Log } from "#shared/log";
import { readAnchor } from "../audit/anchor.ts";
import { openForReading, openForWriting } from "../database/database.ts";
import { closeDatabase } from "../database/group-sync.ts";
import { nextMark, readMark, writeMark } from "../database/mark.ts";
import { databaseFiles } from "../database/mend.ts";
import { openState } from "../state.ts";
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
 * Puts a backup in the place of a data directory. All of it is unpacked and compared with its hashes beside the directory before anything is
 * replaced. What was queued in it is put in doubt, so that no old command fires again, and the audit log goes on with an entry that says so. The directory
 * of this machine's agent stays: it belongs to the machine.
 * @throws BadInputError for a file that is no whole backup, or a directory that holds something; EnvironmentError where a console works in it
 */
export function restoreBackup(options: RestoreOptions): RestoredBackup {
  const { file, directory, force, clock, log } = options;
  const isThere = existsSync(directory) && readdirSync(directory).some((name) => name !== "lost+found");
  if (isThere && !force)
    throw new BadInputError(
      `${directory} is not empty: with --force what is in it is set aside, and the backup takes its place`,
    );
  if (isThere) assertAlone(directory, log);
  const stage = `${resolve(directory)}.${randomBytes(6).toString("hex")}.part`;
  try {
    makeDirectory(dirname(stage));
    mkdirSync(stage, { mode: 0o700 });
    const { at } = unpack(file, stage);
    settle(options, stage, at);
    const before = isThere
      ? `${resolve(directory)}.before-${new Date(clock.now()).toISOString().replaceAll(/[:.]/g, "-")}`
      : undefined;
    if (before !== undefined) {
      renameSync(directory, before);
      if (existsSync(join(before, "agent"))) renameSync(join(before, "agent"), join(stage, "agent"));
    } else if (existsSync(directory)) rmSync(directory, { recursive: true });
    renameSync(stage, directory);
    syncDirectory(dirname(stage));
    return { at, before };
  } catch (thrown) {
    if (thrown instanceof BadInputError || thrown instanceof EnvironmentError) throw thrown;
    const advice = isDiskFull(thrown) ? fullAdvice : asError(thrown).message;
    throw new EnvironmentError(`${file} could not be restored to ${directory}: ${advice}`, { cause: thrown });
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** @throws EnvironmentError where a console works in it */
function assertAlone(directory: string, log: Log): void {
  const lock = new DirectoryLock("console", directory, log);
  lock.acquire();
  lock.release();
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
  markAlike(stage, clock.now());
}

/** They were copied one after the other, while marks were made. */
function markAlike(stage: string, now: number): void {
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
}
