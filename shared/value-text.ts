import { formatDuration } from "./duration.ts";
import type { FieldUnit } from "./field-units.ts";

/** How a language writes numbers. */
export interface NumberWriting {
  /** With so many digits behind the point. */
  readonly decimals: (value: number, digits: number) => string;
  /** A small one with three digits that say something: 0.00123, 2e-9. */
  readonly small: (value: number) => string;
  /** A span of time, ms. */
  readonly span: (ms: number) => string;
}

/** As logs, notices and a terminal have it. */
export const plainWriting: NumberWriting = {
  decimals: (value, digits) => value.toFixed(digits),
  small: (value) => String(Number(value.toPrecision(3))),
  span: formatDuration,
};

const binary = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const decimal = ["", "k", "M", "G", "T"];
/** Digits of an exact value that say something: a float has more. */
const exactDigits = 6;

/** A number with its unit, as charts have it: three digits. */
export function valueInUnit(value: number, unit: FieldUnit, writing: NumberWriting): string {
  if (!Number.isFinite(value)) return "–";
  if (unit === "percent") return `${writing.decimals(value, Math.abs(value) < 10 ? 1 : 0)} %`;
  if (unit === "bytes") return scaled(value, 1_024, binary, writing);
  if (unit === "bytes/s") return `${scaled(value, 1_024, binary, writing)}/s`;
  if (unit === "number/s") return `${scaled(value, 1_000, decimal, writing)}/s`;
  if (unit === "celsius") return `${writing.decimals(value, 1)} °C`;
  if (unit === "seconds") return writing.span(value * 1_000);
  return unit === "number" ? short(value, writing) : `${short(value, writing)}${unit}`;
}

/** The same where it is held against a threshold: 50.45 %, which is more than 50, does not read as 50. */
export function exactInUnit(value: number, unit: FieldUnit, writing: NumberWriting): string {
  if (!Number.isFinite(value)) return "–";
  if (unit === " ms" && Math.abs(value) >= 1_000) return writing.span(value);
  if (unit === "bytes" || unit === "bytes/s" || unit === "seconds") return valueInUnit(value, unit, writing);
  return `${exact(value, writing)}${exactSuffix(unit)}`;
}

const exactSuffix = (unit: FieldUnit): string =>
  unit.startsWith(" ") ? unit : ({ percent: " %", celsius: " °C", "number/s": "/s" }[unit as string] ?? "");

function exact(value: number, writing: NumberWriting): string {
  if (Number.isInteger(value)) return String(value);
  const rounded = String(Number(value.toPrecision(exactDigits)));
  return rounded.includes("e") ? writing.small(value) : writing.decimals(value, rounded.split(".")[1]?.length ?? 0);
}

function short(value: number, writing: NumberWriting): string {
  return Math.abs(value) >= 100_000 ? scaled(value, 1_000, decimal, writing) : plain(value, writing);
}

/** Three significant digits and a prefix: "1.21 MiB". */
function scaled(value: number, step: number, prefixes: readonly string[], writing: NumberWriting): string {
  let index = 0;
  let rest = value;
  // 999.5 would be written as 1000 of the smaller prefix.
  while (Math.abs(rest) >= (step === 1_024 ? 1_000 : 999.5) && index < prefixes.length - 1) {
    rest /= step;
    index += 1;
  }
  const prefix = prefixes[index] ?? "";
  return prefix ? `${plain(rest, writing)} ${prefix}` : plain(rest, writing);
}

function plain(value: number, { decimals, small }: NumberWriting): string {
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size < 0.1) return small(value);
  return decimals(value, size < 10 ? 2 : size < 100 ? 1 : 0);
}
