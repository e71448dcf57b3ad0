import { closeSync, openSync, readSync } from "node:fs";
import { errorCode } from "#shared/errors";
import type { Stored } from "./record.ts";
import { payloadAt, recordHead } from "./segment-file.ts";
import type { Segment } from "./segment.ts";

/**
 * One record from the disk, as it is to be sent. Opening the file each time costs some microseconds and keeps nothing.
 * @returns `damaged` when it is not what was written, `gone` when somebody removed the file; undefined when the disk gives
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

function bytesAt(path: string, offset: number, length: number): Buffer | "gone" | undefined {
  const bytes = Buffer.alloc(length);
  try {
    const descriptor = openSync(path, "r");
    try {
      readSync(descriptor, bytes, 0, length, offset);
    } finally {
      closeSync(descriptor);
    }
    return bytes;
  } catch (error) {
    return errorCode(error) === "ENOENT" ? "gone" : undefined;
  }
}
