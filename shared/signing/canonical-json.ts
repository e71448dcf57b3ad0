import { BadInputError } from "#shared/errors";
import type { Json } from "#shared/messages/payload-schema";

/** Half of a pair of UTF-16: no UTF-8 can say it, and encoders put different things in its place (RFC 8785 §3.2.2.2). */
const loneSurrogate = /\p{Surrogate}/u;

/**
 * The one text of a value, by the JSON Canonicalization Scheme (RFC 8785): names in the order of their UTF-16 units, no spaces, numbers and
 * strings as ECMAScript writes them. So it is the same after any way through JSON and CBOR.
 * @throws BadInputError for text that has no UTF-8
 */
export function canonicalJson(value: Json): string {
  if (typeof value === "string") return canonicalText(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.keys(value)
    .sort()
    .map((name) => `${canonicalText(name)}:${canonicalJson(value[name] ?? null)}`);
  return `{${entries.join(",")}}`;
}

function canonicalText(text: string): string {
  if (loneSurrogate.test(text))
    throw new BadInputError(`what is signed has half a character in it (${JSON.stringify(text.slice(0, 24))})`);
  return JSON.stringify(text);
}
