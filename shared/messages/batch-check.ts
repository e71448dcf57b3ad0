import { maxDecimals, type Column } from "#shared/columns";
import { isName } from "#shared/messages/names";

/** Characters of a string value at most: one that is longer than a sample should be is for the console to set aside alone. */
const maxStringLength = 65_536;
/** Characters of a tag's value at most. */
export const maxTagValueLength = 256;
/** Instants and series in a batch at most. */
export const maxInBatch = { instants: 10_000, series: 2_000, offset: 86_400_000 };
/**
 * Values, and the bytes of them with their names, that a batch may have when every value stands for itself. One value for all
 * instants is a few bytes in a message and, written out, as many times that as there are instants: 47 kB became 950,000
 * values and 1.8 s. Twice what 150 instants of 300 fields are, which is more than an agent gathers with any setting.
 *
 * And fields, of one series and of all together: each is looked up by its name, which costs some microseconds however few values it
 * has, and more where they do not fit. The widest measurement of ours has some 50 fields, and an agent on a machine of 256 threads
 * some 3,500 in all, which may come in several batches.
 */
export const maxSpread = { values: 100_000, bytes: 8 * 1024 * 1024, fieldsOfSeries: 1_000, fields: 4_000 };
/**
 * Numbers of one outbox that may be neither stored nor told as lost, and that one gap may tell of: what a GiB of the smallest batches holds,
 * or a hundred days of one a second. A counter that was damaged would say 2^53, and be awaited for ever.
 */
export const maxUnsent = 10_000_000;
/** Tags of one series at most: each of their combinations is a series of its own, for good. */
export const maxTags = 64;

/** Whether it is a list of offsets, possibly none. */
export function isOffsets(dt: unknown): dt is number[] {
  if (!Array.isArray(dt) || dt.length > maxInBatch.instants) return false;
  for (const offset of dt as unknown[]) if (!isBetween(offset, maxInBatch.offset)) return false;
  return true;
}

/** Fields of what may be a series. */
export function fieldsIn(one: unknown): number {
  if (!isPlainObject(one)) return 0;
  let count = 0;
  for (const _ in one["f"] as object) count += 1;
  return count;
}

export function isTags(tags: unknown): boolean {
  if (!isPlainObject(tags)) return false;
  let count = 0;
  for (const name in tags) if (++count > maxTags || !isName(name) || !isTagValue(tags[name])) return false;
  return true;
}

export function isFields(f: unknown, length: number): boolean {
  if (!isPlainObject(f)) return false;
  let count = 0;
  for (const name in f) {
    const column = f[name];
    if (++count > maxSpread.fieldsOfSeries) return false;
    if (!isName(name) || !isColumn(column) || !fits(column, length)) return false;
  }
  return true;
}

/** A field's values: a value, a list of them, or whole differences whose sums stay exact. */
export function isColumn(value: unknown): value is Column {
  if (!Array.isArray(value)) return typeof value === "object" && value !== null ? isScaled(value) : isPlain(value);
  for (const item of value as unknown[]) if (item !== null && !isPlain(item)) return false;
  return true;
}

/** Whether the column has a value for each of `length` instants, or one for all. */
export function fits(column: Column, length: number): boolean {
  if (typeof column !== "object") return true;
  return ("d" in column ? column.d : column).length === length;
}

/** Whether the series, each value written out, stay within bounds. */
export function spreads(m: readonly { readonly f: Readonly<Record<string, Column>> }[], length: number): boolean {
  let bytes = 0;
  let fields = 0;
  for (const { f } of m) {
    let own = 0;
    for (const name in f) {
      const column = f[name];
      own += 1;
      bytes += length * (name.length + (typeof column === "string" ? column.length : 24));
    }
    if (own > maxSpread.fieldsOfSeries) return false;
    fields += own;
  }
  return fields <= maxSpread.fields && fields * length <= maxSpread.values && bytes <= maxSpread.bytes;
}

/** Whether it is a value that a column may have at an instant. */
export function isPlain(value: unknown): boolean {
  if (typeof value === "string") return value.length <= maxStringLength;
  return typeof value === "number" || typeof value === "boolean";
}

function isScaled(value: object): boolean {
  if (!("e" in value && "d" in value && Array.isArray(value.d))) return false;
  const { e, d } = value;
  if (!Number.isInteger(e) || Number(e) < 0 || Number(e) > maxDecimals) return false;
  let sum = 0;
  for (const difference of d as unknown[]) {
    if (!Number.isSafeInteger(difference)) return false;
    sum += difference as number;
    if (!Number.isSafeInteger(sum)) return false;
  }
  return true;
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isBetween(value: unknown, largest: number): boolean {
  return typeof value === "number" && value >= 0 && value <= largest;
}

export function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9._:-]{1,64}$/.test(value);
}

function isTagValue(value: unknown): boolean {
  if (typeof value !== "string" || value.length === 0 || value.length > maxTagValueLength) return false;
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code < 32 || code === 127) return false;
  }
  return !value.endsWith("\\");
}
