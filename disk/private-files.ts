import { chmodSync, closeSync, constants, existsSync, readdirSync, statSync, type Stats } from "node:fs";
import { makeDirectory } from "./durable-file.ts";
import { writingAdvice } from "./full-disk.ts";
import { openRegularFile, whyNoFile } from "./regular-file.ts";
import { EnvironmentError } from "#shared/errors";
import type { Log } from "#shared/log";
import { distrustOf } from "#shared/trust";

/** What group and others may have of a directory of ours: the way through it, for a Mosquitto of another user to its own files below. */
const passage = 0o011;
const forOthers = 0o077;
/** What shows that a directory is Muster's own and nobody else's home: it may be closed without asking. */
const marks: ReadonlySet<string> = new Set(["muster.db", "secrets", "instance", "outbox", "ledger"]);
/** In every file system's first directory. */
const everywhere: ReadonlySet<string> = new Set(["lost+found"]);

/**
 * Makes a directory that only this process's user can read and write. One that is wider, and new or known to be Muster's, is
 * closed, and the log says so.
 * @throws EnvironmentError with what to do where it belongs to somebody else, or holds other things and is wide; or cannot be made
 */
export function privateDirectory(path: string, log: Log): void {
  let stats: Stats;
  try {
    makeDirectory(path);
    stats = statSync(path);
  } catch (cause) {
    throw new EnvironmentError(`cannot make the directory ${path}: ${writingAdvice(cause)}`, { cause });
  }
  const own = process.getuid?.();
  if (own === undefined || !(stats.mode & forOthers & ~passage)) return refuse(distrustOf(path, stats));
  if (stats.uid === own && isOurs(path)) {
    const mode = stats.mode & (0o700 | passage);
    chmodSync(path, mode);
    const was = (stats.mode & 0o7777).toString(8);
    return log.warn({ path }, `${path} was open to others (${was}) and was closed: ${mode.toString(8)}`);
  }
  // Root has made it and given it to a group of ours, as container platforms do with volumes: there is nothing that we could change.
  if (stats.uid === 0 && own !== 0 && !(stats.mode & 0o002) && process.getgroups?.().includes(stats.gid)) return;
  const why = `${path} is open to others and holds other things than Muster's: give Muster a directory of its own with MUSTER_DATA, or close this one: chmod go-rwx '${path}'`;
  refuse(stats.uid === own ? why : (distrustOf(path, stats) ?? undefined));
}

/**
 * The same for what may never have been open to anybody, such as the directory of secrets: a wide one is refused, because
 * what was in it is known by now.
 */
export function secretDirectory(path: string): void {
  makeDirectory(path);
  const stats = statSync(path);
  refuse(distrustOf(path, stats));
  if (process.getuid !== undefined && stats.mode & forOthers)
    refuse(
      `${path} can be read by others than its owner: whoever could log in to this machine may know the secrets in it. Close it (chmod 700 '${path}'), and remove the files in it to have new ones made`,
    );
}

/**
 * Refuses a file with a secret or a key that others than its owner can read: what is in it may be known by now. One that is not there is none.
 * @throws EnvironmentError that says what to do
 */
export function secretFile(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  // Of anything else than a file, who reads it says what it is.
  const mode = stats?.isFile() ? stats.mode & 0o777 : 0;
  if (process.getuid !== undefined && mode & forOthers)
    refuse(
      `${path} can be read by others than its owner (${mode.toString(8)}): whoever could log in to this machine may know the secret in it. Close it (chmod 600 '${path}'), or remove it and have another one made`,
    );
}

/**
 * A file for this user alone: made where there is none, closed to others where it is wider. One that is there is not opened: it may be a database, on
 * which this process loses all its locks whenever it closes any descriptor of it. @throws EnvironmentError where it is no regular file
 */
export function privateFile(path: string): void {
  const why = whyNoFile(path);
  if (why !== undefined) throw new EnvironmentError(why);
  if (!existsSync(path)) closeSync(openRegularFile(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND));
  if (process.getuid?.() === statSync(path).uid && statSync(path).mode & forOthers) chmodSync(path, 0o600);
}

function isOurs(path: string): boolean {
  const names = readdirSync(path).filter((name) => !everywhere.has(name));
  return names.length === 0 || names.some((name) => marks.has(name));
}

function refuse(why: string | undefined): void {
  if (why !== undefined) throw new EnvironmentError(why);
}
