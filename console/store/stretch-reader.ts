import type { Database } from "../database/database.ts";
import type { DamagedStretches } from "./damaged-stretches.ts";
import type { PointSink, Value } from "./point-sinks.ts";
import { unpackColumn, unpackNumbers, unpackTimes } from "./stretch/packed-column.ts";

/** One field of one series, from a moment to another one. */
export interface FieldRange {
  readonly field: string;
  readonly from: number;
  readonly to: number;
}

interface RowPoint {
  readonly ts: number;
  readonly value: Value;
  readonly type: string;
}

interface Block {
  readonly times: Float64Array;
  readonly values: Float64Array | readonly (Value | null)[];
}

interface PackedPoints {
  readonly first: number;
  readonly last: number;
  readonly times: Uint8Array;
  readonly data: Uint8Array;
}

/** Reads stretches and the rows that lie before, after and between them as one: what stands in a row was written later. */
export class StretchReader {
  readonly #statements: Statements;
  readonly #damaged: DamagedStretches;

  /** @param damaged told of stretches that do not read: there is no sample of theirs */
  constructor(database: Database, damaged: DamagedStretches) {
    this.#statements = prepare(database);
    this.#damaged = damaged;
  }

  has(series: number, from: number, to: number): boolean {
    return this.#statements.any.get(series, from, to) !== undefined;
  }

  /** @param room rows that are looked at, at most @returns whether the sink has room for more */
  read(series: number, range: FieldRange, room: number, sink: PointSink): boolean {
    const rows = new RowsInOrder(this.#statements, series, range, room);
    for (const one of this.#statements.packed.iterate(series, range.field, range.from, range.to)) {
      const packed = one as unknown as PackedPoints;
      const block = this.#damaged.reading({ ...packed, series }, range.field, () => blockOf(packed));
      if (block && !addBlock(block, rows, range, sink)) return false;
    }
    return addRows(rows, sink);
  }
}

/** The rows of a field, some thousand at a time: one by one they are slow to come, and all at once too many. */
class RowsInOrder {
  first: RowPoint | undefined;
  readonly #ask: (from: number, most: number, careful: boolean) => RowPoint[];
  #left: number;
  #some: readonly RowPoint[] = [];
  #at = 0;

  constructor(statements: Statements, series: number, { field, from, to }: FieldRange, room: number) {
    const path = pathOfField(field);
    this.#ask = (after, most, careful) =>
      (careful ? statements.carefulRows : statements.rows).all(path, series, after, to, most);
    this.#left = room + 1;
    this.#more(from);
  }

  next(): void {
    this.#at += 1;
    const last = this.first;
    this.first = this.#some[this.#at];
    if (!this.first && last && this.#some.length === rowsAtOnce) this.#more(last.ts + 1);
  }

  #more(from: number): void {
    const most = Math.min(rowsAtOnce, this.#left);
    this.#some = most > 0 ? orCarefully((careful) => this.#ask(from, most, careful)) : [];
    this.#left -= this.#some.length;
    this.#at = 0;
    this.first = this.#some[0];
  }
}

const rowsAtOnce = 2_000;

/** What stands in both is the row's. @returns whether there is room for more */
function addBlock(
  { times, values }: Block,
  rows: RowsInOrder,
  { from, to }: Pick<FieldRange, "from" | "to">,
  sink: PointSink,
): boolean {
  let end = times.length;
  while (end > 0 && times[end - 1]! >= to) end -= 1;
  let at = 0;
  while (at < end && times[at]! < from) at += 1;
  while (at < end) {
    const { first } = rows;
    let until = end;
    if (first && first.ts <= times[end - 1]!) for (until = at; times[until]! < first.ts;) until += 1;
    if (!add(sink, { times, values }, at, until)) return false;
    at = until;
    if (at === end) break;
    // The row stands before this instant, or at it.
    if (first?.ts === times[at]) at += 1;
    if (first && !sink.add(first.ts, valueOf(first))) return false;
    rows.next();
  }
  return true;
}

function add(sink: PointSink, { times, values }: Block, from: number, end: number): boolean {
  if (values instanceof Float64Array) return sink.addNumbers(times, values, from, end);
  for (let at = from; at < end; at += 1) {
    const value = values[at];
    if (value !== null && value !== undefined && !sink.add(times[at]!, value)) return false;
  }
  return true;
}

function addRows(rows: RowsInOrder, sink: PointSink): boolean {
  for (; rows.first; rows.next()) if (!sink.add(rows.first.ts, valueOf(rows.first))) return false;
  return true;
}

/** SQLite's path of one field, whatever characters its name has: written with the same escapes as in the row. */
export function pathOfField(field: string): string {
  return `$.${JSON.stringify(field)}`;
}

/** A row whose text is no JSON fails the whole query. To ask each row first costs half as much again, and is done where there is one. */
export function orCarefully<T>(ask: (careful: boolean) => T): T {
  try {
    return ask(false);
  } catch (thrown) {
    if (!String(thrown).includes("malformed JSON")) throw thrown;
    return ask(true);
  }
}

function valueOf({ value, type }: RowPoint): Value {
  return type === "true" || type === "false" ? type === "true" : value;
}

function blockOf({ times: packedTimes, data }: PackedPoints): Block {
  const times = unpackTimes(packedTimes);
  return { times, values: unpackNumbers(data, times.length) ?? unpackColumn(data, times.length) };
}

/** SQLite's word for what a field (1) of a row is: as fast as it goes, and also where a row does not read. */
export const typeOfField = {
  fast: "json_type(fields, ?1)",
  careful: "CASE WHEN json_valid(fields) THEN json_type(fields, ?1) END",
} as const;

// As what it is in JavaScript too: the driver gives no whole number beyond 2^53, and fails the whole query over one.
const rowsOf = (type: string): string =>
  `SELECT ts, CASE ${type} WHEN 'integer' THEN CAST(json_extract(fields, ?1) AS REAL) ELSE json_extract(fields, ?1) END AS value,
     json_type(fields, ?1) AS type FROM samples
   WHERE series = ?2 AND ts >= ?3 AND ts < ?4 AND ${type} IS NOT NULL ORDER BY ts LIMIT ?5`;
/** The rows of a field, in order of time. */
export const rowsOfField = { fast: rowsOf(typeOfField.fast), careful: rowsOf(typeOfField.careful) } as const;

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database) {
  return {
    any: database.prepare("SELECT 1 FROM stretches WHERE series = ?1 AND last >= ?2 AND first < ?3 LIMIT 1"),
    rows: database.prepare(rowsOfField.fast),
    carefulRows: database.prepare(rowsOfField.careful),
    // They do not overlap: what ends after the beginning begins with the last one that begins before it.
    packed: database.prepare(
      `SELECT first, last, times, data FROM stretches JOIN stretch_fields ON stretch = id AND field = ?2
       WHERE series = ?1 AND first < ?4
         AND first >= COALESCE((SELECT MAX(first) FROM stretches WHERE series = ?1 AND first <= ?3), ?3)
       ORDER BY first`,
    ),
  };
}
