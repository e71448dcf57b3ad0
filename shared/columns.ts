/** One value of a field at one instant; null where there was none. */
export type FieldValue = number | string | boolean | null;

/**
 * A field's values over the instants of its batch, in the smallest of three forms: one value for each instant, one plain
 * value that holds at every instant, or {@link Scaled} differences.
 */
export type Column = readonly FieldValue[] | Exclude<FieldValue, null> | Scaled;

/** Numbers as whole differences: the value at instant i is (d[0] + … + d[i]) / 10^e, exactly. */
export interface Scaled {
  readonly e: number;
  readonly d: readonly number[];
}

/** Decimal places at most: more would not be a decimal that somebody wrote, but a float in full length. */
export const maxDecimals = 9;

/** The smallest form of `values`, which is exact: {@link unpack} gives the same values back. */
export function pack(values: readonly FieldValue[]): Column {
  const [first] = values;
  if (first !== undefined && first !== null && values.every((value) => Object.is(value, first))) return first;
  return scaled(values) ?? values;
}

/** One value for each of `length` instants. */
export function unpack(column: Column, length: number): readonly FieldValue[] {
  if (isList(column)) return column;
  if (typeof column !== "object") {
    // A loop: Array.from takes several microseconds to begin, and most columns are short.
    const values: FieldValue[] = [];
    for (let at = 0; at < length; at += 1) values.push(column);
    return values;
  }
  const unit = 10 ** column.e;
  let sum = 0;
  return column.d.map((difference) => (sum += difference) / unit);
}

/** The value at the last instant. */
export function lastValue(column: Column): FieldValue {
  if (isList(column)) return column.at(-1) ?? null;
  if (typeof column !== "object") return column;
  return column.d.reduce((sum, difference) => sum + difference, 0) / 10 ** column.e;
}

export function isList(column: Column): column is readonly FieldValue[] {
  return Array.isArray(column);
}

/** Undefined where a plain list is smaller, or something is no decimal number. */
function scaled(values: readonly FieldValue[]): Scaled | undefined {
  if (!values.every(isNumber)) return undefined;
  const e = placesOf(values);
  if (e === undefined) return undefined;
  const unit = 10 ** e;
  let last = 0;
  const d = values.map((value) => {
    const whole = Math.round(value * unit);
    const difference = whole - last;
    last = whole;
    return difference;
  });
  const heads = 6;
  return size(d) + heads < size(values) ? { e, d } : undefined;
}

/** The decimal places that say every value exactly. */
function placesOf(values: readonly number[]): number | undefined {
  let e = 0;
  for (const value of values) {
    while (!isWhole(value, 10 ** e)) if (++e > maxDecimals) return undefined;
  }
  // A later value may have asked for more places than an earlier, large one has room for.
  return values.every((value) => isWhole(value, 10 ** e)) ? e : undefined;
}

function isWhole(value: number, unit: number): boolean {
  const whole = Math.round(value * unit);
  // A sum has no negative zero.
  return Number.isSafeInteger(whole) && whole / unit === value && !Object.is(value, -0);
}

function isNumber(value: FieldValue): value is number {
  return typeof value === "number";
}

/** Bytes of the numbers in CBOR (RFC 8949 §3). Fractions, and whole numbers from 2^32 on, are floats of 9 bytes. */
function size(values: readonly number[]): number {
  let bytes = 0;
  for (const value of values) {
    const magnitude = value < 0 ? -1 - value : value;
    if (!Number.isInteger(value) || magnitude >= 2 ** 32) bytes += 9;
    else bytes += magnitude < 24 ? 1 : magnitude < 256 ? 2 : magnitude < 65_536 ? 3 : 5;
  }
  return bytes;
}
