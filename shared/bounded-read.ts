import { readSync } from "node:fs";

/** Bytes of the first piece that is read: settings and secrets fit into it. */
const firstPiece = 4_096;

/**
 * Reads an open file to its end, but no more than `most` bytes and one: whoever gets that many has met a file that is too large, as a device
 * that never ends is.
 * @param expected bytes that it says to have, where that is known
 * @throws the system's error
 */
export function readBounded(descriptor: number, most: number, expected = firstPiece): Buffer {
  let bytes = Buffer.allocUnsafe(Math.min(expected, most) + 1);
  let length = 0;
  for (;;) {
    const read = readSync(descriptor, bytes, length, bytes.length - length, null);
    length += read;
    if (read === 0 || length > most) return bytes.subarray(0, length);
    if (length === bytes.length)
      bytes = Buffer.concat([bytes, Buffer.allocUnsafe(Math.min(length, most + 1 - length))]);
  }
}
