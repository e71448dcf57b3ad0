import { closeSync, constants, openSync, readSync } from "node:fs";
import { withoutWaiting } from "#disk/regular-file";
import { errorCode } from "#shared/errors";
import type { Stored } from "./record.ts";
import { payloadAt, recordHead } from "./segment-file.ts";
import type { Segment } from "./segment.ts";

/**
 * One record from the disk, as it is to be sent. Opening the file each time costs some microseconds and keeps nothing.
 * @returns `damaged` when it is not what was written, `gone` when somebody removed the file or put something else there; undefined when the disk gives
 *   nothing now, but may later
 */
export function readRecord(
  segment: Segment,
  seq: number,
): Pick<Stored, "t" | "mono" | "payload"> | "damaged" | "gone" | undefined {
  const { offset, length } = segment.place(seq);
  const bytes = bytesAt(segment.path, offset, recordHead + length);
  if (!Buffer.isBuffer(bytes)) return bytes;
  const payload = payloadAt(bytes, 0);
  if (!payload || bytes.readDoubleBE(8) !== seq) return "damaged";
  return { t: bytes.readDoubleBE(16), mono: bytes.readDoubleBE(24), payload };
}

/** No such file; a pipe has no places, nobody lives behind a socket, and a directory is not read. */
const gone: ReadonlySet<string | undefined> = new Set(["ENOENT", "ESPIPE", "ENXIO", "EISDIR", "ELOOP"]);

function bytesAt(path: string, offset: number, length: number): Buffer | "gone" | undefined {
  const bytes = Buffer.alloc(length);
  try {
    const descriptor = openSync(path, constants.O_RDONLY | withoutWaiting);
    try {
      readSync(descriptor, bytes, 0, length, offset);
    } finally {
      closeSync(descriptor);
    }
    return bytes;
  } catch (error) {
    return gone.has(errorCode(error)) ? "gone" : undefined;
  }
}
