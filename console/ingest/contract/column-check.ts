import { isList, unpack, type Column, type FieldValue } from "#shared/columns";
import type { FieldType } from "#shared/field-type";
import { isGarbled, maxTextLength } from "#shared/messages/simple";

type Value = Exclude<FieldValue, null>;

/** Whether every value is of the type. What it costs is paid for each column that ever passes. */
export function conforms(column: Column, type: FieldType): boolean {
  if (isList(column)) {
    for (const value of column) if (value !== null && !fits(value, type)) return false;
    return true;
  }
  if (typeof column !== "object") return fits(column, type);
  // Sums of whole numbers, which the schema holds within what is exact: finite, and whole where nothing divides them.
  return type === "float" || (type === "integer" && column.e === 0);
}

/** The type that a column's first usable value is of; undefined where it has none. */
export function typeOfColumn(column: Column): FieldType | undefined {
  if (!isList(column)) return typeof column === "object" ? "float" : typeOf(column);
  for (const value of column) {
    const type = value === null ? undefined : typeOf(value);
    if (type !== undefined) return type;
  }
  return undefined;
}

/** What of a column was of another type, by what it was. */
export type Misfits = ReadonlyMap<string, { readonly sample: string; readonly count: number }>;

/** A column in two: what may be written, and what is of another type but would fit as such. Undefined where there is none. */
export interface Sifted {
  readonly kept: readonly FieldValue[] | undefined;
  readonly conflicting: readonly FieldValue[] | undefined;
  readonly misfits: Misfits;
}

/**
 * Parts a column: what is of the type stays, with null in the place of what is not.
 * @param length the number of instants
 * @param type undefined where not one value is of any use
 * @param convert whether somebody has decided that this is what all values are, so that what can be told in the type is
 */
export function sift(column: Column, length: number, type: FieldType | undefined, convert = false): Sifted {
  const misfits = new Map<string, { sample: string; count: number }>();
  const kept: FieldValue[] = [];
  const conflicting: FieldValue[] = [];
  let [stay, conflict] = [false, false];
  const values = unpack(column, length);
  for (let at = 0; at < length; at += 1) {
    const value = values[at] ?? null;
    kept.push(null);
    conflicting.push(null);
    if (value === null) continue;
    const fit =
      type === undefined ? undefined : convert ? converted(value, type) : fits(value, type) ? value : undefined;
    if (fit !== undefined) {
      stay = true;
      kept[at] = fit;
      continue;
    }
    const got = nameOf(value, type);
    const known = misfits.get(got);
    if (known) known.count += 1;
    else misfits.set(got, { sample: sampleOf(value), count: 1 });
    // What is of no type at all would be so whatever anybody decides.
    if (typeOf(value) === undefined) continue;
    conflict = true;
    conflicting[at] = value;
  }
  return { kept: stay ? kept : undefined, conflicting: conflict ? conflicting : undefined, misfits };
}

/**
 * A value as the type that somebody has decided on. Everything can be told as text; yes and no as 1 and 0, and the other way
 * about. A text is never a number, not even "21.5": what it means, its sender knows. Undefined where it cannot be.
 */
function converted(value: Value, type: FieldType): Value | undefined {
  if (fits(value, type)) return value;
  if (typeof value === "string" || typeOf(value) === undefined) return undefined;
  if (type === "string") return String(value);
  if (typeof value === "boolean") return type === "boolean" ? value : Number(value);
  return type === "boolean" && (value === 0 || value === 1) ? value === 1 : undefined;
}

/** A value as text for people. */
export function sampleOf(value: FieldValue): string {
  return typeof value === "number"
    ? String(value)
    : JSON.stringify(typeof value === "string" ? value.slice(0, 190) : value);
}

function fits(value: Value, type: FieldType): boolean {
  switch (type) {
    case "float":
      return typeof value === "number" && Number.isFinite(value);
    case "integer":
      return Number.isSafeInteger(value);
    case "string":
      return typeof value === "string" && isText(value);
    case "boolean":
      return typeof value === "boolean";
  }
}

function isText(value: string): boolean {
  return value.length <= maxTextLength && !isGarbled(value);
}

function typeOf(value: Value): FieldType | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? "float" : undefined;
  if (typeof value === "boolean") return "boolean";
  return isText(value) ? "string" : undefined;
}

/** Whether values of this kind would fit another type: what {@link sift} calls conflicting. */
export function isConflict(got: string): boolean {
  return (
    got === "boolean" || got === "string" || got === "number" || got === "fraction" || got === "number beyond 2^53"
  );
}

function nameOf(value: Value, wanted: FieldType | undefined): string {
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "string")
    return value.length > maxTextLength ? "long text" : isGarbled(value) ? "a garbled text" : "string";
  if (!Number.isFinite(value)) return String(value);
  if (wanted !== "integer") return "number";
  return Number.isInteger(value) ? "number beyond 2^53" : "fraction";
}
