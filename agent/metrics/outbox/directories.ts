import { readdirSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "#shared/errors";
import type { Disk } from "#disk/calls";
import { makeDirectory } from "#disk/durable-file";
import { isOutboxName } from "./directory.ts";

/**
 * The directories of the outboxes in `root`, the oldest first; the last one takes what comes. The first outbox lies in `root` itself, and
 * each that was begun in the place of another one in `root/2`, `root/3`, …
 * @throws the system's error when it cannot be listed
 */
export function directoriesIn(root: string): string[] {
  const names = namesIn(root);
  const later = laterOf(names).map((number) => join(root, String(number)));
  return later.length === 0 || names.some((name) => name.endsWith(".seg")) ? [root, ...later] : later;
}

/** Makes the directory of one more outbox; its name is on the disk when this returns. @throws the system's error */
export function nextDirectory(root: string, disk?: Disk): string {
  const next = join(root, String((laterOf(namesIn(root)).at(-1) ?? 1) + 1));
  makeDirectory(next, undefined, disk);
  return next;
}

function namesIn(root: string): string[] {
  try {
    return readdirSync(root);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

function laterOf(names: readonly string[]): number[] {
  return names
    .filter(isOutboxName)
    .map(Number)
    .sort((a, b) => a - b);
}
