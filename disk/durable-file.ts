import { randomBytes } from "node:crypto";
import { constants, existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { counted } from "#shared/counted";
import { errorCode } from "#shared/errors";
import { call, systemDisk, type Disk, type Work } from "./calls.ts";

/** Windows opens no directory as a file; it needs no such sync either. */
const directoriesSync = process.platform !== "win32";
/** What file systems say that know no such sync, and of a directory that may be written to but not listed: no more can be done there. */
const cannotSync: ReadonlySet<string | undefined> = new Set(["EINVAL", "ENOTSUP", "EACCES", "EPERM"]);

/** A file that was made, renamed or removed is so for good once its directory is on the disk. @throws the system's error */
export function* syncingDirectory(path: string): Work<void> {
  if (!directoriesSync) return;
  let directory: number | undefined;
  try {
    directory = yield* call("openDirectory", path);
    yield* call("sync", directory);
  } catch (thrown) {
    if (!cannotSync.has(errorCode(thrown))) throw thrown;
  } finally {
    if (directory !== undefined) yield* call("close", directory);
  }
}

export function syncDirectory(path: string, disk: Disk = systemDisk): void {
  disk.now(syncingDirectory(path));
}

/**
 * Makes a directory for this user alone, and those above it that are missing, each for good. Node's own `recursive` asks for ever where a
 * directory is there and takes nothing, as one that was deleted, and in /proc. @throws the system's error
 */
export function makeDirectory(path: string, mode = 0o700, disk: Disk = systemDisk): void {
  disk.now(makingDirectory(path, mode));
}

export function* makingDirectory(path: string, mode = 0o700): Work<void> {
  const parent = dirname(resolve(path));
  try {
    yield* call("makeDirectory", path, mode);
  } catch (thrown) {
    if (errorCode(thrown) === "EEXIST" && statSync(path).isDirectory()) return;
    if (errorCode(thrown) !== "ENOENT" || parent === resolve(path) || existsSync(parent)) throw thrown;
    yield* makingDirectory(parent, mode);
    return yield* makingDirectory(path, mode);
  }
  try {
    yield* syncingDirectory(parent);
  } catch (thrown) {
    // It would be found next time, and taken for one that lasts.
    yield* removing("removeDirectory", path);
    throw thrown;
  }
}

/** Cuts what a write that failed has left at a file's end; until something is written behind it, a power cut may bring that back. @throws the system's error */
export function truncateFile(path: string, size: number, disk: Disk = systemDisk): void {
  disk.now(truncating(path, size));
}

function* truncating(path: string, size: number): Work<void> {
  const file = yield* call("open", path, 0);
  try {
    yield* call("truncate", file, size);
  } finally {
    yield* call("close", file);
  }
}

/** All of it, however little the system takes at once. @throws the system's error, after which an unknown part of it is there */
export function* writing(file: number, content: Buffer): Work<void> {
  let rest = content;
  // Nothing taken and no error either is no answer to wait on.
  for (let written = 1; rest.length > 0 && written > 0; rest = rest.subarray(written))
    written = yield* call("write", file, rest);
  if (rest.length > 0)
    throw new Error(`the system takes no more of a file: ${counted(rest.length, "byte is", "bytes are")} left`);
}

/** What stays of a file that came to nothing costs room, and nothing else. */
function* removing(name: "remove" | "removeDirectory", path: string): Work<void> {
  try {
    yield* call(name, path);
  } catch {
    // Why it came to nothing is the error to tell.
  }
}

/**
 * Puts a file in place as a whole: written beside, synced, given its name.
 * @param contentOf asked when the file is open
 * @param named takes the descriptor over, in the same moment in which the file has its name: whoever has the one of before open writes to
 *   a file that nobody will read. Without it, it is closed
 */
export function* replacing(path: string, contentOf: () => Buffer, named?: (file: number) => void): Work<void> {
  const beside = `${path}.${randomBytes(6).toString("hex")}.new`;
  // Neither an existing file nor a link is opened, whoever may write to the directory.
  const file = yield* call("open", beside, constants.O_CREAT | constants.O_EXCL);
  let taken = false;
  try {
    yield* writing(file, contentOf());
    yield* call("own", file, path);
    // Its owner as well as its content.
    yield* call("sync", file);
    yield* call("rename", beside, path);
    taken = named !== undefined;
    named?.(file);
  } catch (thrown) {
    if (!taken) yield* removing("remove", beside);
    throw thrown;
  } finally {
    if (!taken) yield* call("close", file);
  }
  yield* syncingDirectory(dirname(path));
}

/**
 * Puts a file in place as a whole, for its owner alone: the whole new content or the whole old one, whatever happens meanwhile, and the
 * new one for good once this returns, also through a power cut. Never through a link that somebody has put there. One that belonged to
 * another user, as Mosquitto's, still does.
 * @throws the system's error; then the old file stands, or the new one does and may not outlive a power cut
 */
export function replaceFile(path: string, content: string | Buffer, disk: Disk = systemDisk): void {
  disk.now(replacing(path, () => (typeof content === "string" ? Buffer.from(content) : content)));
}

/**
 * Puts several files of one directory in place together: all are written beside and synced at the same time, and get their names in one go, between
 * which nothing else of this process runs. Each is as {@link replaceFile} has it.
 * @param named called in the same moment @throws the system's error; then all old files stand, or the new ones do and may not outlive a power cut
 */
export async function replaceFiles(
  directory: string,
  files: ReadonlyMap<string, Buffer>,
  named: () => void = () => {},
  disk: Disk = systemDisk,
): Promise<void> {
  const besides = await Promise.allSettled(
    [...files].map(([name, content]) => disk.soon(writingBeside(join(directory, name), content))),
  );
  const failed = besides.find((one) => one.status === "rejected");
  const pairs = [...files.keys()].flatMap((name, at) => {
    const one = besides[at];
    return one?.status === "fulfilled" ? [[one.value, join(directory, name)] as const] : [];
  });
  disk.now(failed ? discarding(pairs) : renaming(pairs));
  if (failed) throw failed.reason;
  named();
  await disk.soon(syncingDirectory(directory));
}

/** @returns its name until it is in its place */
function* writingBeside(path: string, content: Buffer): Work<string> {
  const beside = `${path}.${randomBytes(6).toString("hex")}.new`;
  const file = yield* call("open", beside, constants.O_CREAT | constants.O_EXCL);
  try {
    yield* writing(file, content);
    yield* call("own", file, path);
    yield* call("sync", file);
  } catch (thrown) {
    yield* removing("remove", beside);
    throw thrown;
  } finally {
    yield* call("close", file);
  }
  return beside;
}

function* renaming(pairs: readonly (readonly [beside: string, path: string])[]): Work<void> {
  for (const [beside, path] of pairs) yield* call("rename", beside, path);
}

function* discarding(pairs: readonly (readonly [beside: string, path: string])[]): Work<void> {
  for (const [beside] of pairs) yield* removing("remove", beside);
}
