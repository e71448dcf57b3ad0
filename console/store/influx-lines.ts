import { unpack, type FieldValue } from "#shared/columns";
import type { SeriesColumns, WriteOutcome } from "./store.ts";

export type Rejected = WriteOutcome["rejected"][number];

/** One sample as a line of InfluxDB's line protocol, with what is needed to name it when it is refused. */
export interface Line {
  readonly text: string;
  readonly series: SeriesColumns;
}

/** Characters of a string field at most; InfluxDB takes 64 KiB. */
const longestString = 16_384;
// oxlint-disable-next-line no-control-regex -- control characters are what it keeps out
const control = /[\u0000-\u001f\u007f]/;
// oxlint-disable-next-line no-control-regex -- the same, for values
const controls = /[\u0000-\u001f\u007f]/g;

/**
 * A series' samples as lines (https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/). What could become
 * another measurement, tag or field never gets into a line: such names are refused, such values cleaned. `time` is taken,
 * `#` begins a comment that InfluxDB drops in silence, and one device's field `host` would hide the tag `host` from
 * every query over that measurement, whichever device it asks for.
 * Every number is written as a float, since a field's first type stays.
 */
export function toLines(series: SeriesColumns): {
  readonly lines: readonly Line[];
  readonly rejected: readonly Rejected[];
} {
  const { device, measurement, tags, times, fields } = series;
  const reject = (why: string, count: number): Rejected => ({ device, measurement, why, count });
  const unfit =
    [measurement, ...Object.entries(tags).flat(), ...Object.keys(fields)].find(isUnfit) ??
    [...Object.keys(tags), ...Object.keys(fields)].find((name) => name === "time") ??
    Object.keys(fields).find((name) => name === "host") ??
    [measurement].find((name) => name.startsWith("#"));
  if (unfit !== undefined)
    return { lines: [], rejected: [reject(`${JSON.stringify(unfit)} cannot be a name or tag`, times.length)] };
  const head = headOf(series);
  const columns = Object.entries(fields).map(([field, column]) => [`${escapeKey(field)}=`, unpack(column, times.length)] as const);
  const lines: Line[] = [];
  let notFinite = 0;
  for (const [index, ts] of times.entries()) {
    let text = "";
    for (const [key, column] of columns) {
      const value = column[index];
      if (value === null || value === undefined) continue;
      const written = writeValue(value);
      if (written === undefined) notFinite += 1;
      else text += `${text ? "," : ""}${key}${written}`;
    }
    if (text) lines.push({ text: `${head} ${text} ${Math.round(ts)}`, series });
  }
  return { lines, rejected: notFinite > 0 ? [reject("a number that is not finite", notFinite)] : [] };
}

function headOf({ device, measurement, tags }: SeriesColumns): string {
  const all: [string, string][] = [["host", device], ...Object.entries(tags).filter(([name]) => name !== "host")];
  const sorted = all.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return (
    escapeMeasurement(measurement) + sorted.map(([name, value]) => `,${escapeKey(name)}=${escapeKey(value)}`).join("")
  );
}

/** Empty, with a control character, or with a backslash where it would escape what follows: there is no way to write these. */
function isUnfit(name: string): boolean {
  return name === "" || control.test(name) || /\\([,= "]|$)/.test(name);
}

function escapeMeasurement(name: string): string {
  return name.replaceAll(/[, ]/g, String.raw`\$&`);
}

function escapeKey(name: string): string {
  return name.replaceAll(/[,= ]/g, String.raw`\$&`);
}

function writeValue(value: Exclude<FieldValue, null>): string | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : undefined;
  if (typeof value === "boolean") return value ? "true" : "false";
  return `"${value
    .slice(0, longestString)
    .replaceAll(controls, " ")
    .replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
