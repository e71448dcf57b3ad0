import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { counted } from "#shared/counted";
import { syncDirectory } from "#disk/durable-file";
import { fullAdvice, isDiskFull } from "#disk/full-disk";
import { maxSmallFileBytes } from "#disk/regular-file";
import { asError, BadInputError, EnvironmentError, errorCode } from "#shared/errors";
import { version } from "#shared/version";
import { anchorName } from "../audit/anchor.ts";
import { openForReading } from "../database/database.ts";
import { databaseFiles } from "../database/mend.ts";
import { staysInPlace } from "../state/exchange.ts";
import { archiveEnd, copyHashed, headerOf, isArchivable, paddingAfter, writeFully } from "./archive.ts";
import { manifestName, type Manifest } from "./manifest.ts";

export interface BackupOptions {
  /** The console's data directory; a console may be at work in it. */
  readonly directory: string;
  /** The archive that is to be made; there must be nothing of this name. */
  readonly file: string;
  /** Epoch ms. */
  readonly now: number;
  /** Told of each step. */
  readonly progress: (what: string) => void;
}

/** What belongs to this machine's agent, is made anew at each start, is a copy for a day, or tells others of this very moment. */
const left = new Set(["agent", "mosquitto", "files", "accounts.changed", anchorName]);

/**
 * Copies all that a console keeps into one file, while it runs: of each database a whole copy by SQLite itself, `muster.db` first, so that no
 * copy says of a sample that it is stored which is not in the copy of the store; and the small files beside them. The file is there
 * wholly, on the disk, or not at all.
 * @returns the bytes of the archive
 * @throws BadInputError where there is such a file already, EnvironmentError where it cannot be written
 */
export function makeBackup({ directory, file, now, progress }: BackupOptions): number {
  if (!existsSync(join(directory, "muster.db")))
    throw new BadInputError(`there is no console's data in ${directory}: name its directory with --data`);
  if (existsSync(file)) throw new BadInputError(`${file} is there already: a backup is written over nothing`);
  const stage = `${file}.${randomBytes(6).toString("hex")}.part`;
  try {
    mkdirSync(stage, { mode: 0o700 });
    for (const name of databaseFiles) {
      if (!existsSync(join(directory, name))) continue;
      progress(`copying ${name}`);
      copyDatabase(join(directory, name), join(stage, name));
    }
    return write({ directory, file, now, progress }, stage);
  } catch (thrown) {
    if (!(thrown instanceof BadInputError)) rmSync(file, { force: true });
    if (thrown instanceof BadInputError || thrown instanceof EnvironmentError) throw thrown;
    const advice = isDiskFull(thrown) ? fullAdvice : asError(thrown).message;
    throw new EnvironmentError(`the backup ${file} could not be written: ${advice}`, { cause: thrown });
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function copyDatabase(from: string, to: string): void {
  const database = openForReading(from);
  try {
    database.exec("PRAGMA busy_timeout = 15000");
    database.prepare("VACUUM INTO ?").run(to);
  } finally {
    database.close();
  }
}

function write({ directory, file, now, progress }: BackupOptions, stage: string): number {
  const sources = [
    ...readdirSync(stage).map((name) => ({ name, path: join(stage, name) })),
    ...smallFiles(directory).map((name) => ({ name, path: join(directory, name) })),
  ];
  const files = sources.map(({ name, path }) => {
    const { size } = statSync(path);
    return { name, size, sha256: opened(path, (source) => copyHashed(source, undefined, size, false)) };
  });
  const manifest: Manifest = { v: 1, muster: version, at: now, files };
  const out = create(file);
  try {
    const text = Buffer.from(JSON.stringify(manifest));
    for (const part of [headerOf({ name: manifestName, size: text.length }, now), text, paddingAfter(text.length)])
      writeFully(out, part);
    for (const [at, { name, size, sha256 }] of files.entries()) {
      progress(`writing ${name} (${counted(size, "byte")})`);
      writeFully(out, headerOf({ name, size }, now));
      const hash = opened(sources[at]?.path ?? "", (source) => copyHashed(source, out, size, false));
      if (hash !== sha256) throw new EnvironmentError(`${name} changed while it was copied: make the backup again`);
      writeFully(out, paddingAfter(size));
    }
    writeFully(out, archiveEnd);
    fsyncSync(out);
  } finally {
    closeSync(out);
  }
  syncDirectory(dirname(file));
  return statSync(file).size;
}

function create(file: string): number {
  try {
    return openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (cause) {
    if (errorCode(cause) === "EEXIST")
      throw new BadInputError(`${file} is there already: a backup is written over nothing`, { cause });
    throw cause;
  }
}

function opened<T>(path: string, use: (file: number) => T): T {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

/** Every small regular file of the directory and its directories but what is left; links, sockets and damaged databases are none. */
function smallFiles(directory: string, below = ""): string[] {
  return readdirSync(join(directory, below)).flatMap((entry): string[] => {
    const name = below === "" ? entry : `${below}/${entry}`;
    if (left.has(name) || (below === "" && staysInPlace(name)) || !isArchivable(name) || /\.db\b|\.new$/.test(name))
      return [];
    const stats = lstatSync(join(directory, name));
    if (stats.isDirectory()) return smallFiles(directory, name);
    return stats.isFile() && stats.size <= maxSmallFileBytes ? [name] : [];
  });
}
