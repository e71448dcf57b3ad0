import { statfsSync } from "node:fs";
import { errorCode } from "#shared/errors";

const codes: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT"]);

/** Whether a disk without room is what was thrown, or the cause of it: the same may be tried again when there is room. */
export function isDiskFull(thrown: unknown): boolean {
  for (let cause = thrown; cause instanceof Error; cause = cause.cause) if (codes.has(errorCode(cause))) return true;
  return false;
}

/** Bytes that no disk has left on which a database can be opened: its log and what is shared about that take them. */
const tight = 128 * 1024;

/** Whether there is as good as no room on the disk of this directory; false where the system does not tell. */
export function hasNoRoom(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < tight;
  } catch {
    return false;
  }
}

/** What to free. */
export const fullAdvice =
  "its disk is full, or the user's quota: make room on it (what Muster has set aside as *.damaged* is for people alone), and start again";

/** What to do about a file that could not be written. */
export function writingAdvice(cause: unknown): string {
  return isDiskFull(cause) ? fullAdvice : "check the directory's permissions, or set MUSTER_DATA";
}
