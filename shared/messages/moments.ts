/** How a time was written: in a unit since 1970, or as text with its zone. */
export type TimeUnit = "s" | "ms" | "us" | "ns" | "text";

/** A time, or `unset`: a number that is too small for any unit to make a day of this century of it, as of a clock that was never set. */
export type SampleMoment = { readonly at: number; readonly unit: TimeUnit } | "unset";

/** What a time has to look like, as the end of a sentence. */
export const momentRule =
  "expected a time since 1970 in seconds (10 digits), milliseconds (13), microseconds (16) or nanoseconds (19), " +
  'text with its zone such as "2026-11-27T05:45:43Z", or none for the moment of arrival';

/**
 * From 2001-09-09 to 2286-11-20 a time has 10, 13, 16 or 19 digits in these units, so that its size tells them apart. Numbers of 11 and
 * 12 digits are milliseconds before that: the day at which a clock without a battery begins, such as 2000-01-01.
 */
const units = [
  { unit: "s", from: 1e9, to: 1e10, perMs: 1e-3 },
  { unit: "ms", from: 1e10, to: 1e13, perMs: 1 },
  { unit: "us", from: 1e15, to: 1e16, perMs: 1e3 },
  { unit: "ns", from: 1e18, to: 1e19, perMs: 1e6 },
] as const;

const zoned = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s?(?:[Zz]|([+-]\d\d):?(\d\d))$/;

/** @returns undefined for what is no time; the time of fewer than 10 digits is not known, because it could be in any unit */
export function readMoment(value: unknown): SampleMoment | undefined {
  if (typeof value === "number" || typeof value === "bigint") return ofNumber(Number(value));
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  if (/^\d{1,19}$/.test(text)) return ofDigits(text);
  const [, day, time, hours, minutes] = zoned.exec(text) ?? [];
  if (day === undefined || time === undefined) return undefined;
  const at = Date.parse(`${day}T${time}${hours === undefined ? "Z" : `${hours}:${minutes ?? "00"}`}`);
  return Number.isNaN(at) || at < 0 ? undefined : { at, unit: "text" };
}

/** In milliseconds; what is finer is cut off. */
function ofNumber(value: number): SampleMoment | undefined {
  if (value >= 0 && value < units[0].from) return "unset";
  const found = units.find(({ from, to }) => value >= from && value < to);
  if (!found) return undefined;
  // The product of a decimal fraction of seconds is not whole where its sender's milliseconds are.
  const at =
    found.unit === "s" ? Math.round(value * 1_000) : found.unit === "ms" ? value : Math.floor(value / found.perMs);
  return { at, unit: found.unit };
}

/** Cut to the millisecond as text: beyond 2^53 a number has no room for nanoseconds. */
function ofDigits(text: string): SampleMoment | undefined {
  const digits = text.replace(/^0+/, "");
  const beyond = { 16: 3, 19: 6 }[digits.length];
  const read = ofNumber(Number(digits));
  if (beyond === undefined || typeof read !== "object") return read;
  return { at: Number(digits.slice(0, -beyond)), unit: read.unit };
}
