import { createHash } from "node:crypto";
import { readSync, writeSync } from "node:fs";
import { BadInputError } from "#shared/errors";

/*
 * The archive is a tar file in the form of POSIX.1-1988 (ustar), of regular files alone: so few lines that a library would save none, and any
 * `tar -tvf` reads it. Read back is only what was written here: a name that leads out of the directory, a link or a device is refused.
 */

const block = 512;
/** Bytes of a piece that is copied at once. */
const piece = 1024 * 1024;
/** Characters of a name, which is all that a plain header has room for. */
export const maxArchivedName = 100;
/** Bytes of a file, which eleven octal digits can tell. */
const maxSize = 8 ** 11 - 1;
const safeName = /^[A-Za-z0-9@_][A-Za-z0-9@._-]*(\/[A-Za-z0-9@_][A-Za-z0-9@._-]*){0,3}$/;

export interface Entry {
  readonly name: string;
  readonly size: number;
}

/** Whether a file of this name is taken into an archive, and out of it. */
export function isArchivable(name: string): boolean {
  return name.length <= maxArchivedName && safeName.test(name);
}

/** The header of one file. @param now epoch ms */
export function headerOf({ name, size }: Entry, now: number): Buffer {
  if (!isArchivable(name) || size > maxSize) throw new BadInputError(`${name} cannot be taken into a backup`);
  const header = Buffer.alloc(block);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  header.write(name, 0);
  header.write(octal(0o600, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(size, 11), 124);
  header.write(octal(Math.floor(now / 1_000), 11), 136);
  header.write(" ".repeat(8), 148);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  header.write(`${sumOf(header).toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** Zeros after a file of this size, so that the next header begins a block. */
export function paddingAfter(size: number): Buffer {
  return Buffer.alloc((block - (size % block)) % block);
}

export const archiveEnd = Buffer.alloc(2 * block);

/** Reads the next header. @returns undefined at the end @throws BadInputError for what was not written here */
export function readHeader(file: number): Entry | undefined {
  const header = Buffer.alloc(block);
  readFully(file, header);
  if (header.every((byte) => byte === 0)) return undefined;
  const told = Number.parseInt(header.toString("latin1", 148, 154), 8);
  const name = header.toString("latin1", 0, 100).replace(/\0.*$/s, "");
  header.write(" ".repeat(8), 148);
  const size = Number.parseInt(header.toString("latin1", 124, 135), 8);
  const isPlain = header.toString("latin1", 156, 157) === "0" && header.toString("latin1", 257, 262) === "ustar";
  if (told !== sumOf(header) || !isPlain || !isArchivable(name) || !Number.isSafeInteger(size))
    throw new BadInputError("it is no backup of Muster's, or a damaged one: a header in it does not read");
  return { name, size };
}

/** Copies `size` bytes from one open file to another (or to nowhere) and skips to the next block. @returns their SHA-256, in hex */
export function copyHashed(from: number, to: number | undefined, size: number, padded: boolean): string {
  const hash = createHash("sha256");
  const bytes = Buffer.alloc(Math.min(piece, size));
  for (let left = size; left > 0;) {
    const part = bytes.subarray(0, Math.min(left, piece));
    readFully(from, part);
    hash.update(part);
    if (to !== undefined) writeFully(to, part);
    left -= part.length;
  }
  if (padded) readFully(from, paddingAfter(size));
  return hash.digest("hex");
}

export function writeFully(file: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
}

export function readFully(file: number, into: Buffer): void {
  for (let done = 0; done < into.length;) {
    const read = readSync(file, into, done, into.length - done, null);
    if (read === 0) throw new BadInputError("it is cut off: the backup was not written to its end");
    done += read;
  }
}

function sumOf(header: Buffer): number {
  return header.reduce((sum, byte) => sum + byte, 0);
}
