import { readdirSync } from "node:fs";
import { join } from "node:path";
import { call, systemDisk, type Disk, type Work } from "./calls.ts";
import { syncDirectory } from "./durable-file.ts";
import { whyNoFile } from "./regular-file.ts";

/** Damaged files kept for a person to look at. */
const maxAsideFiles = 4;

export const isDamagedName = (name: string): boolean => name.includes(".damaged-");

/** @param now epoch ms */
export function asideName(path: string, now: number): string {
  return `${path}.damaged-${now}`;
}

/**
 * Keeps what is damaged under another name as well; what is no file at all, under that alone. A second name costs no room, and needs not
 * read what may be unreadable; not every file system has it. @throws the system's error
 */
export function keepBeside(path: string, now: number, disk: Disk = systemDisk): void {
  disk.now(keepingBeside(path, asideName(path, now)));
}

function* keepingBeside(path: string, beside: string): Work<void> {
  if (whyNoFile(path) !== undefined) return yield* call("rename", path, beside);
  try {
    yield* call("link", path, beside);
  } catch {
    yield* call("copy", path, beside);
  }
}

/**
 * Puts a file out of the way, under another name. Not for good: where a power cut brings it back, it is met and put aside again.
 * @throws the system's error
 */
export function moveAside(path: string, aside: string, disk: Disk = systemDisk): void {
  disk.now(call("rename", path, aside));
}

/** Only the newest few are kept. */
export function trimDamaged(directory: string, disk: Disk = systemDisk): void {
  const moment = (name: string): number => Number(name.slice(name.lastIndexOf("-") + 1));
  const newestFirst = readdirSync(directory, { withFileTypes: true })
    // A directory that stood in the place of a file is somebody's, with all that is in it.
    .flatMap((entry) => (isDamagedName(entry.name) && !entry.isDirectory() ? entry.name : []))
    .sort((a, b) => moment(b) - moment(a));
  for (const name of newestFirst.slice(maxAsideFiles)) disk.now(call("remove", join(directory, name)));
  syncDirectory(directory, disk);
}
