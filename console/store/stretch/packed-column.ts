import { crc32 } from "#shared/crc32";
import type { FieldValue } from "#shared/columns";
import { ByteReader, DamagedStretchError } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { readFloats, writeFloats } from "./packed-floats.ts";
import { maxWhole, readWholes, writeWholes } from "./packed-wholes.ts";

/** Rows of one stretch at most: what a damaged count may ask for, and a chart of ten minutes must unpack. */
export const maxStretchRows = 1_000;

/** What a column consists of, in its first byte. Never to be given another meaning: files have them. */
const kinds = { decimals: 0, floats: 1, booleans: 2, texts: 3, mixed: 4 } as const;
/** Beside the kind: some instants have no value, and a bit for each says which have one. */
const hasGaps = 0x80;
/** Decimal places that are tried. */
const maxPlaces = 9;
const checksumBytes = 4;

/** Moments of a stretch, in milliseconds, whole and rising. */
export function packTimes(times: readonly number[]): Uint8Array {
  const to = new ByteWriter();
  const [first = 0] = times;
  to.varint(times.length);
  to.double(first);
  writeWholes(
    to,
    times.map((time) => time - first),
  );
  return sealed(to);
}

/** @throws DamagedStretchError */
export function unpackTimes(packed: Uint8Array): Float64Array {
  const from = opened(packed);
  const count = from.varint();
  if (count > maxStretchRows) throw new DamagedStretchError(`it says that it has ${count} times`);
  const first = from.double();
  const times = readWholes(from, count);
  for (let at = 0; at < count; at += 1) times[at] = times[at]! + first;
  return times;
}

/**
 * A field's values at the times of its stretch, null where there was none. Numbers are given back bit by bit; among values of several types they
 * have to be such as JSON has.
 */
export function packColumn(values: readonly FieldValue[]): Uint8Array {
  const to = new ByteWriter();
  writeColumn(to, values);
  return sealed(to);
}

/** As {@link packColumn}, as a part of something that has a checksum of its own. */
export function writeColumn(to: ByteWriter, values: readonly FieldValue[]): void {
  const present = values.filter((value) => value !== null);
  const kind = kindOf(present);
  const places = kind === kinds.floats ? placesOf(present as number[]) : undefined;
  const isDecimal = places !== undefined;
  const isGapless = present.length === values.length;
  to.byte((isDecimal ? kinds.decimals : kind) | (isGapless ? 0 : hasGaps));
  if (!isGapless) to.bytes(presence(values));
  if (isDecimal) writeDecimals(to, present as number[], places);
  else writers[kind](to, present);
}

/** @param count of the stretch's times @throws DamagedStretchError */
export function unpackColumn(packed: Uint8Array, count: number): FieldValue[] {
  return readColumn(opened(packed), count);
}

/** What {@link writeColumn} has written. @throws DamagedStretchError */
export function readColumn(from: ByteReader, count: number): FieldValue[] {
  const { kind, present } = begun(from, count);
  const found = readerOf(kind)(from, present ? ones(present, count) : count);
  const values: FieldValue[] = [];
  for (let at = 0, next = 0; at < count; at += 1) values.push(isAt(present, at) ? found[next++]! : null);
  return values;
}

/** The same of numbers alone, NaN where there was none; undefined where it has others. @throws DamagedStretchError */
export function unpackNumbers(packed: Uint8Array, count: number): Float64Array | undefined {
  const from = opened(packed);
  const { kind, present } = begun(from, count);
  if (kind !== kinds.decimals && kind !== kinds.floats) return undefined;
  const read = kind === kinds.decimals ? readDecimals : readFloats;
  if (!present) return read(from, count);
  const found = read(from, ones(present, count));
  const values = new Float64Array(count);
  for (let at = 0, next = 0; at < count; at += 1) values[at] = isAt(present, at) ? found[next++]! : Number.NaN;
  return values;
}

type Present = Exclude<FieldValue, null>;
type OtherKind = Exclude<(typeof kinds)[keyof typeof kinds], typeof kinds.decimals>;

function kindOf(present: readonly Present[]): OtherKind {
  const types = new Set(present.map((value) => typeof value));
  if (types.size > 1) return kinds.mixed;
  return types.has("string") ? kinds.texts : types.has("boolean") ? kinds.booleans : kinds.floats;
}

const writers: Readonly<Record<OtherKind, (to: ByteWriter, present: readonly Present[]) => void>> = {
  [kinds.floats]: (to, present) => writeFloats(to, present as number[]),
  [kinds.booleans]: (to, present) => writeWholes(to, present.map(Number)),
  [kinds.texts]: (to, present) => writeTexts(to, present as string[]),
  [kinds.mixed]: (to, present) => to.text(JSON.stringify(present)),
};

type Read = (from: ByteReader, count: number) => ArrayLike<Present>;

const readers: Readonly<Record<number, Read>> = {
  [kinds.decimals]: readDecimals,
  [kinds.floats]: readFloats,
  [kinds.booleans]: (from, count) => Array.from(readWholes(from, count), (value) => value === 1),
  [kinds.texts]: readTexts,
  [kinds.mixed]: readMixed,
};

function readerOf(kind: number): Read {
  const read = readers[kind];
  if (!read) throw new DamagedStretchError(`its values are packed in an unknown way (${kind})`);
  return read;
}

/** The decimal places that say every value exactly, as whole numbers of them; undefined where there are none. */
function placesOf(values: readonly number[]): number | undefined {
  let places = 0;
  const fits = (value: number): boolean => {
    const unit = 10 ** places;
    const whole = Math.round(value * unit);
    return Math.abs(whole) <= maxWhole && whole / unit === value && !Object.is(value, -0);
  };
  for (const value of values) while (!fits(value)) if (++places > maxPlaces) return undefined;
  // A later value may have asked for more places than an earlier, large one has room for.
  return values.every(fits) ? places : undefined;
}

function writeDecimals(to: ByteWriter, values: readonly number[], places: number): void {
  const unit = 10 ** places;
  to.byte(places);
  writeWholes(
    to,
    values.map((value) => Math.round(value * unit)),
  );
}

function readDecimals(from: ByteReader, count: number): Float64Array {
  const unit = 10 ** from.byte();
  const values = readWholes(from, count);
  if (unit !== 1) for (let at = 0; at < count; at += 1) values[at] = values[at]! / unit;
  return values;
}

/** Each text once, in the order in which they come, and for each instant which. */
function writeTexts(to: ByteWriter, texts: readonly string[]): void {
  const places = new Map<string, number>();
  for (const text of texts) if (!places.has(text)) places.set(text, places.size);
  to.varint(places.size);
  // As JSON: a surrogate that stands alone is a text too, and none in UTF-8.
  to.text(JSON.stringify([...places.keys()]));
  writeWholes(
    to,
    texts.map((text) => places.get(text) ?? 0),
  );
}

function readTexts(from: ByteReader, count: number): string[] {
  const different = from.varint();
  const texts = jsonIn(from) as string[];
  if (!Array.isArray(texts) || texts.length !== different) throw new DamagedStretchError("its texts do not read");
  return Array.from(readWholes(from, count), (place) => {
    const text = texts[place];
    if (typeof text !== "string") throw new DamagedStretchError("a text in it is missing");
    return text;
  });
}

function readMixed(from: ByteReader, count: number): Present[] {
  const values = jsonIn(from) as Present[];
  if (!Array.isArray(values) || values.length !== count) throw new DamagedStretchError("its values do not read");
  return values;
}

function jsonIn(from: ByteReader): unknown {
  const text = from.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DamagedStretchError("its text does not read", { cause });
  }
}

function presence(values: readonly FieldValue[]): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  for (const [at, value] of values.entries()) if (value !== null) bits[at >> 3]! |= 1 << (at & 7);
  return bits;
}

function isAt(present: Uint8Array | undefined, at: number): boolean {
  return !present || (present[at >> 3]! & (1 << (at & 7))) !== 0;
}

function ones(present: Uint8Array, count: number): number {
  let sum = 0;
  for (let at = 0; at < count; at += 1) if (isAt(present, at)) sum += 1;
  return sum;
}

function begun(from: ByteReader, count: number) {
  const head = from.byte();
  return { kind: head & ~hasGaps, present: head & hasGaps ? from.bytes(Math.ceil(count / 8)) : undefined };
}

/** With its checksum before it: SQLite has none, and one turned bit would be a thousand other samples. */
export function sealed(to: ByteWriter): Uint8Array {
  const bytes = to.taken();
  const whole = Buffer.allocUnsafe(checksumBytes + bytes.length);
  whole.writeUInt32LE(crc32(bytes), 0);
  whole.set(bytes, checksumBytes);
  return whole;
}

/** @throws DamagedStretchError where the checksum is not that of the rest */
export function opened(packed: Uint8Array): ByteReader {
  if (packed.length < checksumBytes) throw new DamagedStretchError("it ends too early");
  const sum = new DataView(packed.buffer, packed.byteOffset).getUint32(0, true);
  if (sum !== crc32(packed.subarray(checksumBytes))) throw new DamagedStretchError("its checksum does not fit");
  return new ByteReader(packed, checksumBytes);
}
