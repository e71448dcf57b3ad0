import * as zlib from "node:zlib";

/**
 * The checksum of zlib and of Ethernet, as an unsigned number of 32 bits. Node has one of its own from 20.15 on; the agent runs
 * on 18.19, and there it is made from tables.
 */
export const crc32: (data: Uint8Array | string) => number =
  // The types are those of the Node that Muster is built with.
  (zlib as { crc32?: typeof zlib.crc32 }).crc32 ?? crc32ByTable;

/** The polynomial of CRC-32, its bits in reverse. */
const polynomial = 0xedb88320;
/** Bytes that are taken in one step, each by a table of its own: twice as fast as one byte a step, and 4 KiB. */
const slice = 4;

let tables: Int32Array | undefined;

/** The same without the system's help. A text is taken as UTF-8. */
export function crc32ByTable(data: Uint8Array | string): number {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  const table = (tables ??= makeTables());
  const whole = bytes.length - (bytes.length % slice);
  let crc = -1;
  let at = 0;
  for (; at < whole; at += slice) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      table[768 + (crc & 0xff)]! ^
      table[512 + ((crc >>> 8) & 0xff)]! ^
      table[256 + ((crc >>> 16) & 0xff)]! ^
      table[crc >>> 24]!;
  }
  for (; at < bytes.length; at += 1) crc = table[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** The n-th table tells what a byte becomes when n more bytes have followed it. */
function makeTables(): Int32Array {
  const table = new Int32Array(256 * slice);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    table[byte] = crc;
  }
  for (let at = 256; at < table.length; at += 1) {
    const before = table[at - 256]!;
    table[at] = table[before & 0xff]! ^ (before >>> 8);
  }
  return table;
}
