import { copyFileSync, linkSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
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
export function keepBeside(path: string, now: number): void {
  const beside = asideName(path, now);
  if (whyNoFile(path) !== undefined) return renameSync(path, beside);
  try {
    linkSync(path, beside);
  } catch {
    copyFileSync(path, beside);
  }
}

/** Only the newest few are kept. */
export function trimDamaged(directory: string): void {
  const moment = (name: string): number => Number(name.slice(name.lastIndexOf("-") + 1));
  const newestFirst = readdirSync(directory, { withFileTypes: true })
    // A directory that stood in the place of a file is somebody's, with all that is in it.
    .flatMap((entry) => (isDamagedName(entry.name) && !entry.isDirectory() ? entry.name : []))
    .sort((a, b) => moment(b) - moment(a));
  for (const name of newestFirst.slice(maxAsideFiles)) rmSync(join(directory, name), { force: true });
  syncDirectory(directory);
}
