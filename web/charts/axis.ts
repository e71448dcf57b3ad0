import { decimals } from "../language/text.ts";
import { formatCoarsely } from "../format/format-duration.ts";
import { formatValue } from "../format/number.ts";
import type { FieldUnit } from "#shared/field-units";
import type { Range } from "./panels.ts";

/** The ends of a value axis. */
export type Span = readonly [low: number, high: number];

/** Bytes below this are flat: an axis of single bytes would make mountains of a few packets. */
const minByteStep = 1_024;
/** Of its height, room above the highest value and below a lowest one that is not zero. */
const margin = 0.1;
/** Zero is on the axis where the values reach down to so many times their own spread: 200 to 205 processes do not. */
const near = 3;
/** Of the values' size: less than this is no spread, but what a float does not hold. */
const minValueSpread = 1e-9;
/** No sum of two such values is infinite. */
const maxAxisValue = Number.MAX_VALUE / 16;

/** What an axis covers: all of the data and of the range that somebody has said, and zero where no value is negative and zero is near. */
export function axisSpan(unit: FieldUnit, lowest: number | null, highest: number | null, range: Range = {}): Span {
  const [least, most] = [range.min ?? Infinity, range.max ?? -Infinity];
  const [min, max] = [Math.min(bounded(lowest ?? 0), least), Math.max(bounded(highest ?? 0), most)];
  if (min < max && min === least && max === most) return [bounded(min), bounded(max)];
  const bytes = unit === "bytes" || unit === "bytes/s";
  if (unit === "percent" && min >= 0 && max <= 100) return [0, 100];
  const fromZero = bytes || unit === "percent" || max === min || min <= near * (max - min);
  if (min >= 0 && fromZero) return [0, Math.max(bytes ? minByteStep : 0, max * (1 + margin)) || 1];
  const spread = Math.max(max - min, minValueSpread * Math.max(Math.abs(min), Math.abs(max)));
  const pad = (max === min ? Math.abs(max) : spread) * margin;
  return [min - pad, max <= 0 ? Math.min(0, max + pad) : max + pad];
}

const bounded = (value: number): number => Math.min(maxAxisValue, Math.max(-maxAxisValue, value));

/** Round values on an axis, between its ends: `step` apart, at most so many. */
export interface AxisTicks {
  readonly step: number;
  readonly at: readonly number[];
}

/** Steps by 1, 2 or 5 times a power of ten; bytes by powers of two, or 1024-based labels would read 0.98, 1.95 … */
export function axisTicks(unit: FieldUnit, [low, high]: Span, most: number): AxisTicks {
  const candidates = stepsFrom(unit, (high - low) / Math.max(1, most));
  const count = (step: number): number => Math.floor(high / step) - Math.ceil(low / step) + 1;
  const step = candidates.find((one) => count(one) <= most) ?? high - low;
  const first = Math.ceil(low / step);
  // What a float makes of 3 × 0.1 is more than is to be read; and what is rounded at an end may lie beyond it.
  const at = Array.from({ length: count(step) }, (_, index) => Number(((first + index) * step || 0).toPrecision(15)));
  return { step, at: at.filter((value) => low <= value && value <= high) };
}

/** Round steps, from one that is not far from `least` to one that is far larger. */
function stepsFrom(unit: FieldUnit, least: number): readonly number[] {
  if (unit === "bytes" || unit === "bytes/s") {
    const power = Math.ceil(Math.log2(least));
    return [power, power + 1, power + 2].map((one) => 2 ** one);
  }
  const power = Math.floor(Math.log10(least));
  const all = [power, power + 1, power + 2].flatMap((one) => [1, 2, 5].map((times) => decimal(times, one)));
  // A whole of 100 % is parted in quarters.
  const steps = unit === "percent" && power === 1 ? [25, 50, ...all.slice(3)] : all;
  return steps.filter((step) => step >= least);
}

/** As it is read, and not as a product of floats. */
const decimal = (times: number, power: number): number => Number(`${times}e${power}`);

/** What stands beside the ticks: with as many digits as tell them apart. */
export function axisLabels(unit: FieldUnit, { step, at }: AxisTicks): string[] {
  if (unit === "percent")
    return at.map(
      (value) =>
        `${Number.isInteger(value) ? value : decimals(value, Math.max(1, Math.round(-Math.log10(step) + 0.499)))} %`,
    );
  if (unit === "bytes" || unit === "bytes/s") return at.map((value) => formatValue(value, unit));
  if (unit === "seconds" && step >= 0.001) return at.map((value) => formatCoarsely(value * 1_000));
  const write = writerOf(step, Math.max(...at.map(Math.abs)));
  const suffix = unit.startsWith(" ") ? unit : suffixes[unit];
  return at.map((value) => `${write(value)}${suffix}`);
}

const suffixes: Readonly<Record<string, string>> = { number: "", "number/s": "/s", celsius: " °C", seconds: " s" };

const prefixes = ["", " k", " M", " G", " T"];

function writerOf(step: number, size: number): (value: number) => string {
  const digits = Math.round(-Math.log10(step) + 0.499);
  const written = (value: number, digitsBehind: number): string =>
    value === 0 ? "0" : decimals(value, Math.min(20, Math.max(0, digitsBehind)));
  if (size < 0.001 || size >= 1e15) {
    const significant = Math.min(15, Math.max(0, Math.floor(Math.log10(size)) + digits));
    return (value) => (value === 0 ? "0" : value.toExponential(significant));
  }
  if (size < 100_000) return (value) => written(value, digits);
  const thousands = Math.min(prefixes.length - 1, Math.floor(Math.log10(size) / 3));
  return (value) => {
    const rest = written(value / 1_000 ** thousands, digits + 3 * thousands);
    return value === 0 ? rest : `${rest}${prefixes[thousands]}`;
  };
}

/** Where a value has no neighbour to be joined with: no line shows it, so a point does. */
export function lonely(cells: readonly (number | null | undefined)[]): number[] {
  const known = cells.flatMap((cell, index) => (cell === undefined ? [] : [{ cell, index }]));
  return known.flatMap(({ cell, index }, at) => {
    const joined = [known[at - 1], known[at + 1]].some((other) => typeof other?.cell === "number");
    return typeof cell === "number" && !joined ? [index] : [];
  });
}
