import { isCounter, pairRate, rateUnit } from "../charts/rates.ts";
import { formatField, formatValue } from "../format/number.ts";
import type { FieldUnit, UnitOf } from "../format/units.ts";
import type { Latest, Pair } from "../state/latest.ts";

/** One measurement's newest values as a table: a row for each series, a column for each field. */
export interface ValueTable {
  readonly measurement: string;
  readonly ts: number;
  readonly fields: readonly string[];
  readonly rows: readonly { readonly name: string; readonly cells: readonly string[] }[];
}

/** What the charts show anyway comes after what only this device has. */
const familiar = ["cpu", "mem", "swap", "disk", "diskio", "net", "system", "processes", "temp"];

const rank = (measurement: string): number => familiar.indexOf(measurement);

/** Series of no interest: the loopback and loop devices. */
const dull = /^(lo|loop\d+|ram\d+)$/;

/** All newest values, counters as rates; unfamiliar measurements first. */
export function valueTables(latest: Latest, unitOf: UnitOf): ValueTable[] {
  const groups = new Map<string, Pair[]>();
  for (const pair of latest.values()) {
    const { measurement, tags } = pair.sample;
    if (dull.test(tags["interface"] ?? tags["name"] ?? "")) continue;
    groups.set(measurement, [...(groups.get(measurement) ?? []), pair]);
  }
  return [...groups]
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([name, pairs]) => tableOf(name, pairs, unitOf));
}

function tableOf(measurement: string, pairs: readonly Pair[], unitOf: UnitOf): ValueTable {
  const fields = [...new Set(pairs.flatMap(({ sample }) => Object.keys(sample.fields)))];
  const rows = pairs.map((pair) => ({
    name: seriesName(pair),
    cells: fields.map((field) => cell(pair, field, unitOf(measurement, field))),
  }));
  rows.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  return { measurement, ts: Math.max(...pairs.map(({ sample }) => sample.ts)), fields, rows };
}

/** Tags that tell a familiar series apart by themselves; the others only repeat it. */
const telling = ["path", "interface", "name", "cpu", "sensor"];

function seriesName({ sample: { measurement, tags } }: Pair): string {
  const one = familiar.includes(measurement) ? telling.find((name) => name in tags) : undefined;
  if (one) return tags[one] ?? "";
  return Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

function cell(pair: Pair, field: string, unit: FieldUnit): string {
  const { measurement, fields } = pair.sample;
  const value = fields[field];
  if (value === undefined) return "";
  if (!isCounter(measurement, field)) return formatField(value, unit);
  const perSecond = pairRate(pair, field);
  return perSecond === undefined ? "–" : formatValue(perSecond, rateUnit(unit));
}
