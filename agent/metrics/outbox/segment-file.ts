import { crc32 } from "#shared/crc32";
import { batchCap } from "#shared/codec";
import { envelopeIn, gapIn, type AckRange, type GapRecord, type Stored } from "./record.ts";

/*
 * A segment is a line of text, then records:
 *
 *   muster outbox 1 CRC32 {"outbox":"…","run":"…","epoch":"…","first":N}\n
 *   u32 length | u32 crc32 | f64 seq | f64 t | f64 mono | f64 kept | u32 span | u32 samples | u32 kind | payload
 *
 * The checksum covers everything after itself; numbers are big-endian.
 */

/** What a segment says of itself. */
export interface SegmentHeader {
  readonly outbox: string;
  readonly run?: string | undefined;
  /** What `mono` of its records counts from. */
  readonly epoch: string;
  /** The number of its first record, or what it would have. */
  readonly first: number;
  /** Numbers that the damage it was saved from has cost; holes in its numbers are known thereby. */
  readonly lost?: readonly AckRange[];
  /** Whether the run that wrote it sent batches before they were written: numbers beyond its last one may have been given. */
  readonly gathered?: boolean | undefined;
}

/** A record as it was found in a file: where it begins, and its payload's length. */
export interface Found {
  readonly stored: Omit<Stored, "payload">;
  readonly offset: number;
  readonly length: number;
}

export const recordHead = 52;
const magic = "muster outbox 1 ";
const maxHeaderLength = 8_192;
/** Bytes of the largest file that is read: ours have a small part of it. */
export const maxSegmentBytes = 16 * 1024 * 1024;
/** The smallest batch there is, with its head: bounds how many numbers a damaged stretch may have held. */
const minRecordBytes = recordHead + 40;

/** A record's kind, by its number in the file. */
const kinds = ["batch", "left", "damaged"] as const;

export function headerBytes(header: SegmentHeader): Buffer {
  const json = JSON.stringify(header);
  return Buffer.from(`${magic}${checksum(json)} ${json}\n`);
}

export function recordBytes({ seq, t, mono, kept, span, samples, payload, gap }: Stored): Buffer {
  const bytes = Buffer.allocUnsafe(recordHead + payload.length);
  bytes.writeUInt32BE(payload.length, 0);
  bytes.writeDoubleBE(seq, 8);
  bytes.writeDoubleBE(t, 16);
  bytes.writeDoubleBE(mono, 24);
  bytes.writeDoubleBE(kept, 32);
  bytes.writeUInt32BE(Math.min(Math.max(0, Math.round(span)), 0xffff_ffff), 40);
  bytes.writeUInt32BE(samples, 44);
  bytes.writeUInt32BE(kinds.indexOf(gap?.kind ?? "batch"), 48);
  payload.copy(bytes, recordHead);
  bytes.writeUInt32BE(crc32(bytes.subarray(8)), 4);
  return bytes;
}

/** The payload of the record at `offset`; undefined where no whole record with the right checksum begins. */
export function payloadAt(bytes: Buffer, offset: number): Buffer | undefined {
  if (offset + recordHead > bytes.length) return undefined;
  const length = bytes.readUInt32BE(offset);
  const end = offset + recordHead + length;
  if (length === 0 || length > batchCap || end > bytes.length) return undefined;
  if (crc32(bytes.subarray(offset + 8, end)) !== bytes.readUInt32BE(offset + 4)) return undefined;
  return bytes.subarray(offset + recordHead, end);
}

function recordAt(bytes: Buffer, offset: number): Found | undefined {
  const payload = payloadAt(bytes, offset);
  if (!payload) return undefined;
  const gap = gapOf(payload, bytes.readUInt32BE(offset + 48));
  const stored = {
    seq: bytes.readDoubleBE(offset + 8),
    t: bytes.readDoubleBE(offset + 16),
    mono: bytes.readDoubleBE(offset + 24),
    kept: bytes.readDoubleBE(offset + 32),
    span: bytes.readUInt32BE(offset + 40),
    samples: bytes.readUInt32BE(offset + 44),
    ...(gap ? { gap } : {}),
  };
  return { stored, offset, length: payload.length };
}

function gapOf(payload: Buffer, number: number): GapRecord | undefined {
  const kind = kinds[number];
  const gap = kind === undefined || kind === "batch" ? undefined : gapIn(payload);
  return gap && kind !== undefined && kind !== "batch" ? { kind, gap } : undefined;
}

/** What reading a whole segment gave. */
export interface Parsed {
  /** Undefined where nothing in it tells. */
  readonly outbox: string | undefined;
  readonly run?: string | undefined;
  readonly epoch: string | undefined;
  readonly records: readonly Found[];
  /** Numbers that were written here and cannot be read. */
  readonly lost: readonly AckRange[];
  readonly gathered?: boolean | undefined;
  /** Where the good records end. */
  readonly end: number;
  readonly state: "whole" | "torn" | "damaged";
}

/**
 * Reads what is whole. What was being written when the machine stopped (`torn`) was never sent, as nothing is before it
 * is synced: its numbers are free. What is unreadable otherwise (`damaged`) may have been sent: its numbers are lost.
 * @param first the number that the segment begins with, by its name
 */
export function parseSegment(bytes: Buffer, first: number): Parsed {
  const head = parseHeader(bytes);
  if (!head && isTornHeader(bytes) && !resynced(bytes, 0, first))
    return { outbox: undefined, epoch: undefined, records: [], lost: [], end: 0, state: "torn" };
  const holesKnown = head?.header.lost !== undefined;
  const records: Found[] = [];
  const lost: AckRange[] = [...(head?.header.lost ?? [])];
  let offset = head?.end ?? 0;
  let expected = first;
  let damaged = head === undefined;
  while (offset < bytes.length) {
    const found = plausible(recordAt(bytes, offset), expected) ?? resynced(bytes, offset, expected);
    if (!found) break;
    const { stored, length } = found;
    const skipped = found.offset > offset;
    if (stored.seq > expected && (skipped || !holesKnown)) {
      damaged = true;
      lost.push([expected, stored.seq - 1]);
    }
    damaged ||= skipped;
    records.push(found);
    expected = stored.seq + 1;
    offset = found.offset + recordHead + length;
  }
  const torn = offset < bytes.length && isTorn(bytes, offset, expected);
  if (offset < bytes.length && !torn) {
    damaged = true;
    lost.push([expected, expected + numbersIn(bytes, offset, expected) - 1]);
  }
  const { gathered } = head?.header ?? {};
  return {
    ...owner(bytes, head?.header, records[0]),
    records,
    lost,
    gathered,
    end: offset,
    state: state(damaged, torn),
  };
}

/** What stands for a file of `size` bytes that cannot be read at all. */
export function unreadable(first: number, size: number): Parsed {
  const lost: AckRange[] = [[first, first + Math.ceil(size / minRecordBytes)]];
  return { outbox: undefined, epoch: undefined, records: [], lost, end: 0, state: "damaged" };
}

function state(damaged: boolean, torn: boolean): Parsed["state"] {
  return damaged ? "damaged" : torn ? "torn" : "whole";
}

/** Where the header is spoiled, a batch says itself whose it is. */
function owner(bytes: Buffer, header: SegmentHeader | undefined, first: Found | undefined) {
  const payload = first && payloadAt(bytes, first.offset);
  const known = header ?? (payload && envelopeIn(payload));
  return { outbox: known?.outbox, run: known?.run, epoch: known?.epoch };
}

function parseHeader(bytes: Buffer): { header: SegmentHeader; end: number } | undefined {
  const newline = bytes.subarray(0, maxHeaderLength).indexOf(10);
  const line = bytes.toString("utf8", 0, Math.max(0, newline));
  const json = line.slice(magic.length + 9);
  if (line !== `${magic}${checksum(json)} ${json}`) return undefined;
  return { header: JSON.parse(json) as SegmentHeader, end: newline + 1 };
}

/** The header goes out in one write with the first records, so where it ends too early nothing was synced. */
function isTornHeader(bytes: Buffer): boolean {
  const written = withoutZeroTail(bytes, 0);
  const start = bytes.toString("latin1", 0, Math.min(written, magic.length));
  return magic.startsWith(start) && !bytes.subarray(0, Math.min(written, maxHeaderLength)).includes(10);
}

/** Numbers only grow. */
function plausible(found: Found | undefined, expected: number): Found | undefined {
  return found && Number.isSafeInteger(found.stored.seq) && found.stored.seq >= expected ? found : undefined;
}

/** The next whole record after a damaged place. A number that fits is rare enough to try the checksum only there. */
function resynced(bytes: Buffer, from: number, expected: number): Found | undefined {
  for (let offset = from + 1; offset + recordHead < bytes.length; offset++) {
    const seq = bytes.readDoubleBE(offset + 8);
    if (!(seq >= expected && seq <= expected + (offset - from) && Number.isSafeInteger(seq))) continue;
    const found = recordAt(bytes, offset);
    if (found) return found;
  }
  return undefined;
}

/** Whether what is left can be the beginning of the next record, cut off by a crash. */
function isTorn(bytes: Buffer, offset: number, expected: number): boolean {
  const end = withoutZeroTail(bytes, offset);
  if (end - offset < recordHead) return true;
  const length = bytes.readUInt32BE(offset);
  if (length === 0 || length > batchCap || bytes.readDoubleBE(offset + 8) !== expected) return false;
  // Whole but for its length: that is damage.
  if (crc32(bytes.subarray(offset + 8)) === bytes.readUInt32BE(offset + 4)) return false;
  return offset + recordHead + length > end;
}

/**
 * After a power cut a file may have got its length but not its content, which then reads as zeros from the border of
 * a sector on. @returns where the content ends
 */
function withoutZeroTail(bytes: Buffer, from: number): number {
  const sector = 512;
  let end = bytes.length;
  while (end > from && bytes[end - 1] === 0) end -= 1;
  if (end === from) return from;
  const border = Math.max(from, Math.ceil(end / sector) * sector);
  return bytes.length - border >= 16 ? border : bytes.length;
}

/** How many numbers the unreadable rest can have held: one, where one record fills it; else as many as would fit. */
function numbersIn(bytes: Buffer, offset: number, expected: number): number {
  const rest = bytes.length - offset;
  const fills = rest >= recordHead && bytes.readUInt32BE(offset) === rest - recordHead;
  return fills && bytes.readDoubleBE(offset + 8) === expected ? 1 : Math.ceil(rest / minRecordBytes);
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, "0");
}
