import { DamagedStretchError, type ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/**
 * Numbers bit by bit, as Gorilla does it (Pelkonen and others, 2015), but in whole bytes: what differs from the one before, without the
 * bytes that are zero at both ends. One byte says how many are left out before and how many follow.
 */
export function writeFloats(to: ByteWriter, values: ArrayLike<number>): void {
  const bytes = Buffer.alloc(8);
  const last = Buffer.alloc(8);
  const changed = Buffer.alloc(8);
  for (let at = 0; at < values.length; at += 1) {
    bytes.writeDoubleBE(values[at]!, 0);
    let head = 8;
    let end = 0;
    for (let byte = 0; byte < 8; byte += 1) {
      changed[byte] = bytes[byte]! ^ last[byte]!;
      last[byte] = bytes[byte]!;
      if (changed[byte] === 0) continue;
      if (head === 8) head = byte;
      end = byte + 1;
    }
    const length = Math.max(0, end - head);
    to.byte(length === 0 ? 0 : (head << 4) | length);
    to.bytes(changed.subarray(head, head + length));
  }
}

/** @throws DamagedStretchError */
export function readFloats(from: ByteReader, count: number): Float64Array {
  const values = new Float64Array(count);
  const last = Buffer.alloc(8);
  for (let at = 0; at < count; at += 1) {
    const control = from.byte();
    const head = control >> 4;
    const length = control & 15;
    if (head + length > 8) throw new DamagedStretchError("a number in it is too long");
    for (let byte = head; byte < head + length; byte += 1) last[byte] = last[byte]! ^ from.byte();
    values[at] = last.readDoubleBE(0);
  }
  return values;
}
