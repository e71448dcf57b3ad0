import { isList, type Column, type FieldValue } from "#shared/columns";
import { reservedNames } from "#shared/messages/names";
import { LineBytes, maxNumberBytes } from "./line-bytes.ts";
import type { SeriesColumns, WriteOutcome } from "./store.ts";

export type Rejected = WriteOutcome["rejected"][number];

/** Where lines go: a request that is being filled. `endLine` is called after each line. */
export interface LineTarget {
  readonly out: LineBytes;
  endLine(): void;
}

/** Characters of a string field at most; InfluxDB takes 64 KiB. */
const maxFieldLength = 16_384;
/** Fields whose written names are remembered at most: names come from outside. */
const maxKnownKeys = 10_000;
// oxlint-disable-next-line no-control-regex -- control characters are what it keeps out
const control = /[\u0000-\u001f\u007f]/;
// oxlint-disable-next-line no-control-regex -- the same, for values: between quotes InfluxDB keeps tabs and line breaks as they are
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;
const bare = new Set(Array.from("0123456789._-/:", (character) => character.charCodeAt(0)));
const space = 0x20;
const newline = 0x0a;
const integerMark = 0x69;

/** One field of the series that is being written. */
class Cursor {
  /** `,name=`; with the value behind it where that is the same in every line. */
  readonly start = new LineBytes(64);
  kind: "list" | "scaled" | "fixed" = "fixed";
  list: readonly FieldValue[] = [];
  d: readonly number[] = [];
  e = 0;
  sum = 0;
  integer = false;

  aim(column: Column, key: LineBytes, integer: boolean): void {
    this.start.length = 0;
    this.start.reserve(key.length);
    this.start.copy(key);
    this.integer = integer;
    if (isList(column)) {
      this.kind = "list";
      this.list = column;
    } else if (typeof column === "object") {
      this.kind = "scaled";
      this.d = column.d;
      this.e = column.e;
      this.sum = 0;
    } else {
      this.kind = "fixed";
    }
  }

  /** Writes down the one value. @returns false where there is no way to write it */
  fix(value: Column): boolean {
    if (typeof value === "number") {
      if (!isWritable(value, this.integer)) return false;
      this.start.reserve(maxNumberBytes + 1);
      this.start.number(value);
      if (this.integer) this.start.byte(integerMark);
    } else if (typeof value !== "object") {
      writeText(this.start, value);
    }
    return true;
  }
}

/**
 * Writes series as lines (https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/). What could become
 * another measurement, tag or field never gets into a line: such names are refused, such values cleaned. `time` is taken,
 * `#` begins a comment that InfluxDB drops in silence, and one device's field `host` would hide the tag `host` from
 * every query over that measurement, whichever device it asks for.
 * Every number is written as a float, since a field's first type stays, unless it is declared an integer.
 *
 * This is the hot path: columns go to bytes without an object or a string for a line or value, and whole differences
 * ({@link Column}) to digits without a float between.
 */
export class LineWriter {
  readonly #cursors: Cursor[] = [];
  readonly #head = new LineBytes(256);
  /** Field → `,field=`. */
  readonly #keys = new Map<string, LineBytes>();
  #notFinite = 0;
  /** Bytes that a line may take, text aside. */
  #widest = 0;

  /** @param target gives the request to write the next line to @returns what will never be taken */
  write(series: SeriesColumns, target: () => LineTarget): readonly Rejected[] {
    const { device, measurement, times } = series;
    const unfit = unfitName(series);
    if (unfit !== undefined) {
      const why = `${JSON.stringify(unfit)} cannot be a name or tag`;
      return [{ device, measurement, why, count: times.length }];
    }
    this.#notFinite = 0;
    this.#writeHead(series);
    const count = this.#prepare(series);
    for (let index = 0; index < times.length; index++) this.#line(target(), index, count, times[index]!);
    const why = "a number that is not finite, or no integer where one is declared";
    return this.#notFinite > 0 ? [{ device, measurement, why, count: this.#notFinite }] : [];
  }

  #line(target: LineTarget, index: number, count: number, time: number): void {
    const { out } = target;
    const begin = out.length;
    out.reserve(this.#widest);
    out.copy(this.#head);
    const fields = out.length;
    for (let at = 0; at < count; at++) this.#field(out, this.#cursors[at]!, index);
    if (out.length === fields) {
      // No field has a value at this instant.
      out.length = begin;
      return;
    }
    // The first field's comma is the space that ends the tags.
    out.bytes[fields] = space;
    out.byte(space);
    out.decimal(Math.round(time), 0);
    out.byte(newline);
    target.endLine();
  }

  #field(out: LineBytes, cursor: Cursor, index: number): void {
    if (cursor.kind === "fixed") return out.copy(cursor.start);
    if (cursor.kind === "list") return this.#listed(out, cursor, cursor.list[index]);
    if (index >= cursor.d.length) return;
    cursor.sum += cursor.d[index]!;
    if (cursor.integer) return this.#number(out, cursor, cursor.sum / 10 ** cursor.e);
    out.copy(cursor.start);
    out.decimal(cursor.sum, cursor.e);
  }

  #listed(out: LineBytes, cursor: Cursor, value: FieldValue | undefined): void {
    if (typeof value === "number") return this.#number(out, cursor, value);
    if (value === null || value === undefined) return;
    out.copy(cursor.start);
    writeText(out, value);
    // A text takes room that the rest of the line was promised.
    out.reserve(this.#widest);
  }

  #number(out: LineBytes, cursor: Cursor, value: number): void {
    if (!isWritable(value, cursor.integer)) {
      this.#notFinite += 1;
      return;
    }
    out.copy(cursor.start);
    out.number(value);
    if (cursor.integer) out.byte(integerMark);
  }

  /** Takes the series' fields apart. @returns how many cursors it takes */
  #prepare({ fields, times, integers }: SeriesColumns): number {
    let count = 0;
    this.#widest = this.#head.length + maxNumberBytes + 2;
    for (const field in fields) {
      const cursor = (this.#cursors[count] ??= new Cursor());
      const column = fields[field]!;
      cursor.aim(column, this.#key(field), integers?.has(field) ?? false);
      if (cursor.kind === "fixed" && !cursor.fix(column)) {
        this.#notFinite += times.length;
        continue;
      }
      this.#widest += cursor.start.length + maxNumberBytes + 1;
      count += 1;
    }
    return count;
  }

  #writeHead({ device, measurement, tags }: SeriesColumns): void {
    const head = this.#head;
    head.length = 0;
    head.text(escapeMeasurement(measurement));
    const names = Object.keys(tags);
    if (!names.includes("host")) names.push("host");
    // InfluxDB parses tags that are in order faster.
    if (names.length > 1) names.sort();
    for (const name of names) {
      head.text(",");
      head.text(escapeKey(name));
      head.text("=");
      head.text(name === "host" ? device : escapeKey(tags[name]!));
    }
  }

  #key(field: string): LineBytes {
    const known = this.#keys.get(field);
    if (known) return known;
    const key = new LineBytes(field.length + 16);
    key.text(`,${escapeKey(field)}=`);
    if (this.#keys.size < maxKnownKeys) this.#keys.set(field, key);
    return key;
  }
}

function isWritable(value: number, integer: boolean): boolean {
  return integer ? Number.isSafeInteger(value) : Number.isFinite(value);
}

function writeText(out: LineBytes, value: string | boolean): void {
  out.text(typeof value === "string" ? quoted(value) : String(value));
}

/** The first name or tag value of a series that there is no way to write. */
function unfitName({ measurement, tags, fields }: SeriesColumns): string | undefined {
  if (isUnfit(measurement) || measurement.startsWith("#")) return measurement;
  for (const tag in tags) {
    if (isUnfit(tag) || reservedNames.has(tag)) return tag;
    if (isUnfit(tags[tag]!)) return tags[tag];
  }
  for (const field in fields) if (isUnfit(field) || field === "host" || reservedNames.has(field)) return field;
  return undefined;
}

/** Empty, with a control character, or with a backslash where it would escape what follows: there is no way to write these. */
function isUnfit(name: string): boolean {
  return name === "" || (!isBare(name) && (control.test(name) || /\\([,= "]|$)/.test(name)));
}

/** Whether a name is of letters, digits and `.` `_` `-` `/` `:` alone, as nearly all are: there is nothing in it to look for. */
function isBare(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at) | 0x20;
    const letter = code >= 0x61 && code <= 0x7a;
    if (!letter && !bare.has(name.charCodeAt(at))) return false;
  }
  return true;
}

function escapeMeasurement(name: string): string {
  return isBare(name) ? name : name.replaceAll(/[, ]/g, String.raw`\$&`);
}

function escapeKey(name: string): string {
  return isBare(name) ? name : name.replaceAll(/[,= ]/g, String.raw`\$&`);
}

function quoted(value: string): string {
  return `"${value
    .slice(0, maxFieldLength)
    .replaceAll(controls, " ")
    .replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
