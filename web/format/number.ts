import type { Json } from "#shared/messages/payload-schema";
import type { SampleValue } from "#api/device-routes";
import { decimals, smallNumber, t } from "../language/text.ts";
import { formatCoarsely } from "./format-duration.ts";
import type { FieldUnit } from "#shared/field-units";

const binary = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const decimal = ["", "k", "M", "G", "T"];

export function formatValue(value: number, unit: FieldUnit): string {
  if (!Number.isFinite(value)) return "–";
  if (unit === "percent") return `${decimals(value, Math.abs(value) < 10 ? 1 : 0)} %`;
  if (unit === "bytes") return scaled(value, 1_024, binary);
  if (unit === "bytes/s") return `${scaled(value, 1_024, binary)}/s`;
  if (unit === "number/s") return `${scaled(value, 1_000, decimal)}/s`;
  if (unit === "celsius") return `${decimals(value, 1)} °C`;
  if (unit === "seconds") return formatCoarsely(value * 1_000);
  return unit === "number" ? short(value) : `${short(value)}${unit}`;
}

function short(value: number): string {
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
  if (size < 0.1) return smallNumber(value);
  return decimals(value, size < 10 ? 2 : size < 100 ? 1 : 0);
}

/** Any field's value as text. */
export function formatField(value: SampleValue, unit: FieldUnit): string {
  if (typeof value === "number") return formatValue(value, unit);
  return typeof value === "boolean" ? (value ? t("yes") : t("no")) : value;
}

/** What a device says about its machine: words as they are, sizes of memory and disks as such. */
export function formatFact(name: string, value: Json): string {
  if (typeof value === "number" && /mem|ram|swap|disk|bytes/i.test(name)) return formatValue(value, "bytes");
  return typeof value === "string" ? value : JSON.stringify(value);
}
