import type { Json } from "#shared/messages/payload-schema";
import type { SampleValue } from "#api/device-routes";
import { formatCoarsely } from "./format-duration.ts";

/** How a number is written. A `…/s` unit is a rate of the one before it. */
export type FieldUnit = "number" | "percent" | "bytes" | "bytes/s" | "number/s" | "celsius" | "seconds";

const binary = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const decimal = ["", "k", "M", "G", "T"];

export function formatValue(value: number, unit: FieldUnit): string {
  if (!Number.isFinite(value)) return "–";
  if (unit === "percent") return `${value.toFixed(Math.abs(value) < 10 ? 1 : 0)} %`;
  if (unit === "bytes") return scaled(value, 1_024, binary);
  if (unit === "bytes/s") return `${scaled(value, 1_024, binary)}/s`;
  if (unit === "number/s") return `${scaled(value, 1_000, decimal)}/s`;
  if (unit === "celsius") return `${value.toFixed(1)} °C`;
  if (unit === "seconds") return formatCoarsely(value * 1_000);
  return Math.abs(value) >= 100_000 ? scaled(value, 1_000, decimal) : plain(value);
}

/** Three significant digits and a prefix: "1.21 MiB". */
function scaled(value: number, step: number, prefixes: readonly string[]): string {
  let index = 0;
  let rest = value;
  // 999.5 would be written as 1000 of the smaller prefix.
  while (Math.abs(rest) >= (step === 1_024 ? 1_000 : 999.5) && index < prefixes.length - 1) {
    rest /= step;
    index += 1;
  }
  const prefix = prefixes[index] ?? "";
  return prefix ? `${plain(rest)} ${prefix}` : plain(rest);
}

function plain(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size < 0.1) return String(Number(value.toPrecision(3)));
  return value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
}

const byteMeasurements = new Set(["mem", "swap", "disk"]);

/** The unit of a gauge, by Telegraf's names: `disk.used_percent`, `mem.total`, `temp.temp`. */
export function unitOf(measurement: string, field: string): FieldUnit {
  if (field.endsWith("_percent") || field.startsWith("usage_")) return "percent";
  if (field.includes("bytes")) return "bytes";
  if (field === "uptime") return "seconds";
  if (measurement === "temp" || field.startsWith("temperature")) return "celsius";
  const countsInodes = field.startsWith("inodes") || field.startsWith("huge_pages");
  return byteMeasurements.has(measurement) && !countsInodes ? "bytes" : "number";
}

/** Any field's newest value as text. */
export function formatField(measurement: string, field: string, value: SampleValue): string {
  if (typeof value === "number") return formatValue(value, unitOf(measurement, field));
  return typeof value === "boolean" ? (value ? "yes" : "no") : value;
}

/** What a device says about its machine: words as they are, sizes of memory and disks as such. */
export function formatFact(name: string, value: Json): string {
  if (typeof value === "number" && /mem|ram|swap|disk|bytes/i.test(name)) return formatValue(value, "bytes");
  return typeof value === "string" ? value : JSON.stringify(value);
}
