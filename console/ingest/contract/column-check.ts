import { isList, unpack, type Column, type FieldValue } from "#shared/columns";
import type { FieldType } from "#shared/field-types";

type Value = Exclude<FieldValue, null>;

/** Characters of a text at most: what is longer is a document, not a sample. */
export const longestText = 1_024;

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

/**
 * Parts a column: what is of the type stays, with null in the place of what is not.
 * @param length the number of instants
 * @param type undefined where not one value is of any use
 * @returns `kept` undefined where nothing stays
 */
export function sift(
  column: Column,
  length: number,
  type: FieldType | undefined,
): { readonly kept: Column | undefined; readonly misfits: Misfits } {
  const misfits = new Map<string, { sample: string; count: number }>();
  let stay = false;
  const kept = unpack(column, length).map((value) => {
    if (value === null) return null;
    if (type !== undefined && fits(value, type)) {
      stay = true;
      return value;
    }
    const got = nameOf(value, type);
    const known = misfits.get(got);
    if (known) known.count += 1;
    else misfits.set(got, { sample: sampleOf(value), count: 1 });
    return null;
  });
  return { kept: stay ? kept : undefined, misfits };
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
      return typeof value === "string" && value.length <= longestText;
    case "boolean":
      return typeof value === "boolean";
  }
}

function typeOf(value: Value): FieldType | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? "float" : undefined;
  if (typeof value === "boolean") return "boolean";
  return value.length <= longestText ? "string" : undefined;
}

function nameOf(value: Value, wanted: FieldType | undefined): string {
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "string") return value.length > longestText ? "long text" : "string";
  if (!Number.isFinite(value)) return String(value);
  if (wanted !== "integer") return "number";
  return Number.isInteger(value) ? "number beyond 2^53" : "fraction";
}
