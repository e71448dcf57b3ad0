import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { asideName, keepBeside, moveAside } from "#disk/aside";
import type { Disk } from "#disk/calls";
import { replaceFile } from "#disk/durable-file";
import { readRegularFile } from "#disk/regular-file";
import { headerBytes, maxSegmentBytes, recordHead, type Found, type SegmentHeader } from "./segment-file.ts";

export interface AsideOptions {
  readonly log: Log;
  /** Epoch ms, for the name. */
  readonly now: number;
  /** Where it works; the system's disk by default. */
  readonly disk?: Disk | undefined;
}

/** Renames a file that is of no use here. */
export function setAside(path: string, why: string, { log, now, disk }: AsideOptions): void {
  log.error({ path }, `a file of the outbox is set aside: ${why}`);
  try {
    moveAside(path, asideName(path, now), disk);
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
    keepBeside(path, options.now, options.disk);
    const bytes = good.length > 0 ? readRegularFile(path, maxSegmentBytes) : Buffer.alloc(0);
    const parts = good.map(({ offset, length }) => bytes.subarray(offset, offset + recordHead + length));
    replaceFile(path, Buffer.concat([headerBytes(header), ...parts]), options.disk);
    const { lost } = header;
    options.log.error({ path, kept: good.length, lost }, "a file of the outbox was damaged; it is kept beside");
    return true;
  } catch (thrown) {
    options.log.error({ path, err: asError(thrown) }, "a damaged file of the outbox could not be replaced");
    return false;
  }
}
