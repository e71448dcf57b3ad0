import * as z from "zod/mini";
import { commonNames } from "#shared/messages/common-names";

/** Characters (of UTF-16) in the name of a measurement, tag or field at most: each is kept for good, and read by people. */
export const maxNameLength = 128;

/** The characters that nearly all names are of: there is nothing in them to look for. */
const plain = new Uint8Array(128);
for (let code = 0; code < 128; code++) if (/[A-Za-z0-9_ .:/%-]/.test(String.fromCharCode(code))) plain[code] = 1;

/** These are looked up, letters are not looked at: in an agent's sample nearly all are of them. */
const known: ReadonlySet<unknown> = new Set(commonNames);

/**
 * What there is no way to write as a line: control characters, of which a newline would begin another measurement; half a
 * surrogate, which is no UTF-8; and a backslash where it would escape what follows.
 */
const unwritable = /[\p{Cc}\p{Cs}]|\\(?:[,= "]|$)/u;

/** Whether InfluxDB can hold it as a name, as it is: umlauts, `&`, `*`, commas and whatever else people use. */
export function isName(value: unknown): boolean {
  if (known.has(value)) return true;
  if (typeof value !== "string" || value.length === 0 || value.length > maxNameLength) return false;
  // Left out, or renamed, wherever it is decoded.
  if (value === "__proto__") return false;
  for (let at = 0; at < value.length; at++) if (!plain[value.charCodeAt(at)]) return !unwritable.test(value);
  return true;
}

/** `#` begins a comment in InfluxDB's lines. */
export function isMeasurement(value: unknown): boolean {
  return typeof value === "string" && isName(value) && !value.startsWith("#");
}

/** What a name has to be, as the end of a sentence. */
export const nameFault = `expected a name of 1 to ${maxNameLength} characters, none of them a control character, and no backslash at the end or before a comma, space, quote or equal sign`;

/** A tag's or a field's name. */
export const name = z.string().check(z.refine(isName, nameFault));
/** A measurement's name. */
export const measurementName = z.string().check(z.refine(isMeasurement, `${nameFault}, and no # at the beginning`));

/**
 * What InfluxDB takes for something else: `time` is its own, and 2.x drops every point with a tag or field called `_field` or
 * `_measurement`.
 */
export const reservedNames: ReadonlySet<string> = new Set(["time", "_field", "_measurement"]);
