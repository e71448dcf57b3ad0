import { pairRate } from "../charts/rates.ts";
import { formatField, formatValue } from "../format/number.ts";
import { formatMoment } from "../format/moment.ts";
import { now } from "../state/now.ts";
import type { SampleValue } from "#api/device-routes";
import { rateUnit } from "#shared/field-units";
import type { FieldLook, Looks } from "../state/field-looks.ts";
import type { Latest, Pair } from "../state/latest.ts";

/** One measurement's newest values as a table: a row for each series, a column for each field. */
export interface ValueTable {
  readonly measurement: string;
  /** What it is called, and more of it where somebody has said so; the same of each field. */
  readonly title: string;
  readonly description?: string | undefined;
  readonly ts: number;
  readonly fields: readonly string[];
  readonly titles: readonly { readonly title: string; readonly description?: string | undefined }[];
  readonly rows: readonly { readonly name: string; readonly cells: readonly string[] }[];
}

/** What the charts show anyway comes after what only this device has. */
const familiar = ["cpu", "mem", "swap", "disk", "diskio", "net", "system", "processes", "temp"];

const rank = (measurement: string): number => familiar.indexOf(measurement);

/** Series of no interest: the loopback and loop devices. */
const dull = /^(lo|loop\d+|ram\d+)$/;

/** All newest values, counters as rates; unfamiliar measurements first. */
export function valueTables(latest: Latest, looks: Looks): ValueTable[] {
  const groups = new Map<string, Pair[]>();
  for (const pair of latest.values()) {
    const { measurement, tags } = pair.sample;
    if (dull.test(tags["interface"] ?? tags["name"] ?? "")) continue;
    groups.set(measurement, [...(groups.get(measurement) ?? []), pair]);
  }
  return [...groups]
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([name, pairs]) => tableOf(name, pairs, looks));
}

function tableOf(measurement: string, pairs: readonly Pair[], looks: Looks): ValueTable {
  const fields = [...new Set(pairs.flatMap(({ sample }) => Object.keys(sample.fields)))];
  const rows = pairs.map((pair) => ({
    name: seriesName(pair),
    cells: fields.map((field) => cell(pair, field, looks.field(measurement, field))),
  }));
  rows.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  const { title = measurement, description } = looks.measurement(measurement);
  const titles = fields.map((field) => {
    const look = looks.field(measurement, field);
    return { title: look.title ?? field, description: look.description };
  });
  const ts = Math.max(...pairs.map(({ sample }) => sample.ts));
  return { measurement, title: title || measurement, description, ts, fields, titles, rows };
}

/** Tags that tell a familiar series apart by themselves; the others only repeat it. */
const telling = ["path", "interface", "name", "cpu", "sensor"];

function seriesName({ sample: { measurement, tags } }: Pair): string {
  // A line of /proc/interrupts: its number and whose it is; the kind of its chip would push the numbers out of sight.
  if (measurement === "interrupts") return [tags["irq"], tags["device"] ?? tags["type"]].filter(Boolean).join(" ");
  const one = familiar.includes(measurement) ? telling.find((name) => name in tags) : undefined;
  if (one) return tags[one] ?? "";
  return Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

/** Seconds since 1970 that mean a moment of this century: nobody reads "1.80 G". */
function isMoment(field: string, value: SampleValue): value is number {
  return (
    /(^|_)(time|timestamp)$/.test(field) && typeof value === "number" && value > 946_684_800 && value < 4_102_444_800
  );
}

function cell(pair: Pair, field: string, { unit, isCounter }: FieldLook): string {
  const value = pair.sample.fields[field];
  if (value === undefined) return "";
  if (unit === "number" && isMoment(field, value)) return formatMoment(value * 1_000, now.peek());
  if (!isCounter) return formatField(value, unit);
  const perSecond = pairRate(pair, field);
  return perSecond === undefined ? "–" : formatValue(perSecond, rateUnit(unit));
}
