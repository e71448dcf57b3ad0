import { closeSync, constants, fstat, fstatSync, open, openSync, stat, statSync, type Stats } from "node:fs";
import { promisify } from "node:util";
import { readBounded } from "#shared/bounded-read";
import { EnvironmentError } from "#shared/errors";

/** Bytes of a small file of Muster's own: ids, preferences, secrets, notes. Ours have some hundred; a list of names may have more. */
export const maxSmallFileBytes = 1024 * 1024;

/** Opening a pipe waits for its other end, for ever where nobody has that. Regular files know no such waiting; Windows no such flag. */
export const withoutWaiting = (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/**
 * Opens a file of Muster's own. Whatever else stands in its place holds nobody up and does nothing: a pipe is not waited for, and a device
 * not opened, which by itself starts some of them.
 * @param flags as of `openSync`, a number
 * @throws EnvironmentError where it is no regular file; the system's error
 */
export function openRegularFile(path: string, flags: number = constants.O_RDONLY, mode = 0o600): number {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there) assertRegular(path, there);
  const descriptor = openSync(path, flags | withoutWaiting, mode);
  try {
    // Between the two another one may have come to stand there.
    assertRegular(path, fstatSync(descriptor));
    return descriptor;
  } catch (thrown) {
    closeSync(descriptor);
    throw thrown;
  }
}

/** The same in the thread pool. */
export async function openRegularFileSoon(path: string, flags: number, mode = 0o600): Promise<number> {
  const there = await promisify(stat)(path).catch(() => undefined);
  if (there) assertRegular(path, there);
  const descriptor = await promisify(open)(path, flags | withoutWaiting, mode);
  try {
    assertRegular(path, await promisify(fstat)(descriptor));
    return descriptor;
  } catch (thrown) {
    closeSync(descriptor);
    throw thrown;
  }
}

/**
 * The whole of a file of Muster's own, which is there as a regular file of at most `most` bytes or is not read.
 * @throws EnvironmentError that says what stands there instead, and what to do; the system's error, as ENOENT
 */
export function readRegularFile(path: string, most: number): Buffer {
  const descriptor = openRegularFile(path);
  try {
    const { size } = fstatSync(descriptor);
    // Those of /proc say that they are empty, and some of them never end.
    const bytes = size > most ? undefined : readBounded(descriptor, most, size);
    if (bytes && bytes.length <= most) return bytes;
    throw new EnvironmentError(
      `${path} is not what Muster keeps there: expected at most ${most} bytes, got ${bytes ? "more" : size}; ${advice}`,
    );
  } finally {
    closeSync(descriptor);
  }
}

/** Why what stands at `path` cannot be a file of Muster's own; undefined where it can, or where there is nothing. */
export function whyNoFile(path: string): string | undefined {
  const there = statSync(path, { throwIfNoEntry: false });
  return there === undefined || there.isFile() ? undefined : refusal(path, there);
}

function assertRegular(path: string, stats: Stats): void {
  if (!stats.isFile()) throw new EnvironmentError(refusal(path, stats));
}

const advice = "move it away, and put the file back if there was one";

function refusal(path: string, stats: Stats): string {
  return `${path} is not what Muster keeps there: expected a regular file, got ${kindOf(stats)}; ${advice}`;
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isFIFO()) return "a named pipe";
  if (stats.isSocket()) return "a socket";
  return "a device";
}
