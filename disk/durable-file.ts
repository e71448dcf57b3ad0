import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { errorCode } from "#shared/errors";

/** What Muster writes is for its own user alone. */
export const privateMode = 0o600;

/** Windows opens no directory as a file; it needs no such sync either. */
const directoriesSync = process.platform !== "win32";
/** What file systems say that know no such sync, and of a directory that may be written to but not listed: no more can be done there. */
const cannotSync: ReadonlySet<string | undefined> = new Set(["EINVAL", "ENOTSUP", "EACCES", "EPERM"]);

/** A file that was made, renamed or removed is so for good once its directory is on the disk. @throws the system's error */
export function syncDirectory(path: string): void {
  if (!directoriesSync) return;
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, "r");
    fsyncSync(descriptor);
  } catch (thrown) {
    ignoreUnable(thrown);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** The same in the thread pool. */
export async function directorySynced(path: string): Promise<void> {
  if (!directoriesSync) return;
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    await handle.sync();
  } catch (thrown) {
    ignoreUnable(thrown);
  } finally {
    await handle?.close();
  }
}

function ignoreUnable(thrown: unknown): void {
  if (!cannotSync.has(errorCode(thrown))) throw thrown;
}

/**
 * Makes a directory for this user alone, and those above it that are missing, each for good. Node's own `recursive` asks for ever where a
 * directory is there and takes nothing, as one that was deleted, and in /proc. @throws the system's error
 */
export function makeDirectory(path: string, mode = 0o700): void {
  const parent = dirname(resolve(path));
  try {
    mkdirSync(path, { mode });
    syncDirectory(parent);
  } catch (thrown) {
    if (errorCode(thrown) === "EEXIST" && statSync(path).isDirectory()) return;
    if (errorCode(thrown) !== "ENOENT" || parent === resolve(path) || existsSync(parent)) throw thrown;
    makeDirectory(parent, mode);
    makeDirectory(path, mode);
  }
}

/**
 * Puts a file in place as a whole, for its owner alone: the whole new content or the whole old one, whatever happens meanwhile, and the
 * new one for good once this returns, also through a power cut. Never through a link that somebody has put there. One that belonged to
 * another user, as Mosquitto's, still does.
 * @throws the system's error; then the old file stands
 */
export function replaceFile(path: string, content: string | Buffer): void {
  const beside = `${path}.${randomBytes(6).toString("hex")}.new`;
  // Neither an existing file nor a link is opened, whoever may write to the directory.
  const file = openSync(beside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, privateMode);
  try {
    writeFileSync(file, content);
    if (process.getuid?.() === 0) keepOwner(path, file);
    // Its owner as well as its content.
    fsyncSync(file);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  syncDirectory(dirname(path));
}

function keepOwner(path: string, file: number): void {
  try {
    const before = lstatSync(path);
    if (before.isFile()) fchownSync(file, before.uid, before.gid);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}
