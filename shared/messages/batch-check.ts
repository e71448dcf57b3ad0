import { mostPlaces, type Column } from "#shared/columns";
import type { Batch, Measurement } from "#shared/messages/metrics";
import { isMeasurement, isName } from "#shared/messages/names";

/** Characters of a string value at most: one that is longer than a sample should be is for the console to set aside alone. */
const longestString = 65_536;
/** Characters of a tag's value at most. */
export const longestTagValue = 256;
/** Instants and series in a batch at most. */
export const most = { instants: 10_000, series: 2_000, offset: 86_400_000 };
/**
 * Values, and the bytes of them with their names, that a batch may have when every value stands for itself. One value for all
 * instants is a few bytes in a message and, written out, as many times that as there are instants: 47 kB became 950,000
 * values and 1.8 s. Twice what 150 instants of 300 fields are, which is more than an agent gathers with any setting.
 *
 * And fields, of one series and of all together: each is looked up by its name, which costs some microseconds however few values it
 * has, and more where they do not fit. The widest measurement of ours has some 50 fields, and an agent on a machine of 256 threads
 * some 3,500 in all, which may come in several batches.
 */
export const mostSpread = { values: 100_000, bytes: 8 * 1024 * 1024, fieldsOfSeries: 1_000, fields: 4_000 };
/**
 * Numbers of one outbox that may be neither stored nor told as lost, and that one gap may tell of: what a GiB of the smallest batches holds,
 * or a hundred days of one a second. A counter that was damaged would say 2^53, and be awaited for ever.
 */
export const mostUnsent = 10_000_000;
/** Tags of one series at most: each of their combinations is a series of its own, for good. */
export const mostTags = 64;

/**
 * Whether `value` is a batch that the schema in `metrics.ts` takes as it is. The schema is the reference and has the words
 * for what is wrong; this is the same by plain loops, because the schema takes more time for a batch than everything
 * that is done with it afterwards. It may say no to what the schema takes, such as keys that it leaves out, never yes to
 * what it refuses: a test compares the two.
 */
export function isPlainBatch(value: unknown): value is Batch {
  if (!isPlainObject(value)) return false;
  for (const key in value) if (!batchKeys.has(key)) return false;
  const { v, outbox, seq, run, first, t, epoch, mono, age, dt, m } = value;
  if (v !== 1 || !isToken(outbox) || !isCount(seq) || !isBetween(t, 8.64e15)) return false;
  if ("run" in value && !isToken(run)) return false;
  if ("first" in value && !isCount(first)) return false;
  if ("epoch" in value && !isToken(epoch)) return false;
  if ("mono" in value && !Number.isFinite(mono)) return false;
  if ("age" in value && !isBetween(age, Number.MAX_VALUE)) return false;
  return isOffsets(dt) && dt.length > 0 && isSeries(m, dt.length) && spreads(m, dt.length);
}

const batchKeys = new Set(["v", "outbox", "seq", "run", "first", "t", "epoch", "mono", "age", "dt", "m"]);

/** Whether it is a list of offsets, possibly none. */
export function isOffsets(dt: unknown): dt is number[] {
  if (!Array.isArray(dt) || dt.length > most.instants) return false;
  for (const offset of dt as unknown[]) if (!isBetween(offset, most.offset)) return false;
  return true;
}

function isSeries(m: unknown, length: number): m is Batch["m"] {
  if (!Array.isArray(m) || m.length > most.series) return false;
  let fields = 0;
  for (const one of m as unknown[])
    if (!isPlainSeries(one, length) || (fields += fieldsIn(one)) > mostSpread.fields) return false;
  return true;
}

/** Fields of what may be a series. */
export function fieldsIn(one: unknown): number {
  if (!isPlainObject(one)) return 0;
  let count = 0;
  for (const _ in one["f"] as object) count += 1;
  return count;
}

/** Whether `one` is a series of a batch of `length` instants that the schema takes as it is. */
export function isPlainSeries(one: unknown, length: number): one is Measurement {
  if (!isPlainObject(one)) return false;
  for (const key in one) if (key !== "n" && key !== "tags" && key !== "f") return false;
  const { n, tags, f } = one;
  return isMeasurement(n) && (!("tags" in one) || isTags(tags)) && isFields(f, length);
}

export function isTags(tags: unknown): boolean {
  if (!isPlainObject(tags)) return false;
  let count = 0;
  for (const name in tags) if (++count > mostTags || !isName(name) || !isTagValue(tags[name])) return false;
  return true;
}

function isFields(f: unknown, length: number): boolean {
  if (!isPlainObject(f)) return false;
  let count = 0;
  for (const name in f) {
    const column = f[name];
    if (++count > mostSpread.fieldsOfSeries) return false;
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
export function spreads(m: Batch["m"], length: number): boolean {
  let bytes = 0;
  let fields = 0;
  for (const { f } of m) {
    let own = 0;
    for (const name in f) {
      const column = f[name];
      own += 1;
      bytes += length * (name.length + (typeof column === "string" ? column.length : 24));
    }
    if (own > mostSpread.fieldsOfSeries) return false;
    fields += own;
  }
  return fields <= mostSpread.fields && fields * length <= mostSpread.values && bytes <= mostSpread.bytes;
}

/** Whether it is a value that a column may have at an instant. */
export function isPlain(value: unknown): boolean {
  if (typeof value === "string") return value.length <= longestString;
  return typeof value === "number" || typeof value === "boolean";
}

function isScaled(value: object): boolean {
  if (!("e" in value && "d" in value && Array.isArray(value.d))) return false;
  const { e, d } = value;
  if (!Number.isInteger(e) || Number(e) < 0 || Number(e) > mostPlaces) return false;
  let sum = 0;
  for (const difference of d as unknown[]) {
    if (!Number.isSafeInteger(difference)) return false;
    sum += difference as number;
    if (!Number.isSafeInteger(sum)) return false;
  }
  return true;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isBetween(value: unknown, largest: number): boolean {
  return typeof value === "number" && value >= 0 && value <= largest;
}

export function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9._:-]{1,64}$/.test(value);
}

function isTagValue(value: unknown): boolean {
  if (typeof value !== "string" || value.length === 0 || value.length > longestTagValue) return false;
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code < 32 || code === 127) return false;
  }
  return !value.endsWith("\\");
}
