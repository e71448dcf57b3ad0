import { copyFileSync, linkSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { replaceFile, syncDirectory } from "#disk/durable-file";
import { readRegularFile, whyNoFile } from "#disk/regular-file";
import { headerBytes, largestSegment, recordHead, type Found, type SegmentHeader } from "./segment-file.ts";

/** Damaged files kept for a person to look at. */
const mostKept = 4;

export interface AsideOptions {
  readonly log: Log;
  /** Epoch ms, for the name. */
  readonly now: number;
}

export const isDamagedName = (name: string): boolean => name.includes(".damaged-");

/** Renames a file that is of no use here. */
export function setAside(path: string, why: string, { log, now }: AsideOptions): void {
  log.error({ path }, `a file of the outbox is set aside: ${why}`);
  try {
    renameSync(path, asideName(path, now));
  } catch (thrown) {
    log.warn({ path, err: asError(thrown) }, "it could not be renamed");
  }
}

/**
 * Keeps a damaged file beside, and puts what could be read of it in its place. The new header says which numbers are lost,
 * so that they are told even when the machine stops before that.
 * @returns whether it is done; on a disk that refuses, the damaged file stays and is read as it is
 */
export function repair(path: string, header: SegmentHeader, good: readonly Found[], options: AsideOptions): boolean {
  try {
    keepBeside(path, asideName(path, options.now));
    const bytes = good.length > 0 ? readRegularFile(path, largestSegment) : Buffer.alloc(0);
    const parts = good.map(({ offset, length }) => bytes.subarray(offset, offset + recordHead + length));
    replaceFile(path, Buffer.concat([headerBytes(header), ...parts]));
    const { lost } = header;
    options.log.error({ path, kept: good.length, lost }, "a file of the outbox was damaged; it is kept beside");
    return true;
  } catch (thrown) {
    options.log.error({ path, err: asError(thrown) }, "a damaged file of the outbox could not be replaced");
    return false;
  }
}

/** Only the newest few are kept. */
export function trimDamaged(directory: string): void {
  const moment = (name: string): number => Number(name.slice(name.lastIndexOf("-") + 1));
  const newestFirst = readdirSync(directory, { withFileTypes: true })
    // A directory that stood in the place of a file is somebody's, with all that is in it.
    .flatMap((entry) => (isDamagedName(entry.name) && !entry.isDirectory() ? entry.name : []))
    .sort((a, b) => moment(b) - moment(a));
  for (const name of newestFirst.slice(mostKept)) rmSync(join(directory, name), { force: true });
  syncDirectory(directory);
}

/** A second name costs no room, and needs not read what may be unreadable; not every file system has it. */
export function keepBeside(path: string, beside: string): void {
  if (whyNoFile(path) !== undefined) return renameSync(path, beside);
  try {
    linkSync(path, beside);
  } catch {
    copyFileSync(path, beside);
  }
}

function asideName(path: string, now: number): string {
  return `${path}.damaged-${now}`;
}
