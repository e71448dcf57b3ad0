import type { FieldValue } from "#shared/columns";
import { maxStretchRows, packColumn, packTimes } from "./packed-column.ts";

/** A row as it stands in the store: all fields of a series at one instant, as JSON. */
export interface StoredRow {
  readonly ts: number;
  readonly fields: string;
}

/** The same as columns: the times rise, and each field has a value for each of them, null where there was none. */
export interface Stretch {
  readonly times: readonly number[];
  readonly columns: ReadonlyMap<string, readonly FieldValue[]>;
}

export interface PackedStretch {
  readonly first: number;
  readonly last: number;
  readonly rows: number;
  readonly times: Uint8Array;
  readonly fields: readonly { readonly field: string; readonly data: Uint8Array }[];
}

/** Rows as columns. @returns with the times of those that do not read, which stay what they are */
export function stretchOf(rows: readonly StoredRow[]): {
  readonly stretch: Stretch;
  readonly unfit: readonly number[];
} {
  const times: number[] = [];
  const unfit: number[] = [];
  const columns = new Map<string, FieldValue[]>();
  for (const { ts, fields } of rows) {
    const values = fieldsIn(fields);
    if (!values) {
      unfit.push(ts);
      continue;
    }
    for (const [field, value] of values) put(columns, field, times.length, value);
    times.push(ts);
  }
  for (const column of columns.values()) fill(column, times.length);
  return { stretch: { times, columns }, unfit };
}

/** Both in one. What both have of an instant is what the later one says; what one of them alone says is kept. */
export function mergeStretches(earlier: Stretch, later: Stretch): Stretch {
  const times = [...new Set([...earlier.times, ...later.times])].toSorted((a, b) => a - b);
  const places = new Map(times.map((time, at) => [time, at]));
  const columns = new Map<string, FieldValue[]>();
  for (const { times: own, columns: some } of [earlier, later])
    for (const [field, values] of some)
      for (const [at, value] of values.entries()) if (value !== null) put(columns, field, places.get(own[at]!)!, value);
  for (const column of columns.values()) fill(column, times.length);
  return { times, columns };
}

/** In pieces of so many rows at most. */
export function packStretch({ times, columns }: Stretch, most = maxStretchRows): PackedStretch[] {
  const pieces: PackedStretch[] = [];
  for (let from = 0; from < times.length; from += most) {
    const own = times.slice(from, from + most);
    const fields = [...columns].flatMap(([field, all]) => {
      const values = all.slice(from, from + most);
      return values.every((value) => value === null) ? [] : [{ field, data: packColumn(values) }];
    });
    pieces.push({ first: own[0]!, last: own.at(-1)!, rows: own.length, times: packTimes(own), fields });
  }
  return pieces;
}

/** Where it passes over some instants, there was none. */
function put(columns: Map<string, FieldValue[]>, field: string, at: number, value: FieldValue): void {
  let column = columns.get(field);
  if (!column) columns.set(field, (column = []));
  fill(column, at);
  column[at] = value;
}

function fill(column: FieldValue[], length: number): void {
  while (column.length < length) column.push(null);
}

/** Undefined where it is no row that Muster writes. */
function fieldsIn(text: string): [string, FieldValue][] | undefined {
  try {
    const row: unknown = JSON.parse(text);
    if (typeof row !== "object" || row === null || Array.isArray(row)) return undefined;
    const fields = Object.entries(row) as [string, unknown][];
    return fields.length > 0 && fields.every(([, value]) => isValue(value))
      ? (fields as [string, FieldValue][])
      : undefined;
  } catch {
    return undefined;
  }
}

function isValue(value: unknown): boolean {
  return typeof value === "number" ? Number.isFinite(value) : typeof value === "string" || typeof value === "boolean";
}
