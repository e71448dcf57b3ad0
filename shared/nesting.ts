import { BadInputError } from "#shared/errors";

/**
 * Levels of lists and objects, one within the other, that anything from outside may have: JSON and CBOR, messages and HTTP. No
 * message of ours has ten. What is deeper breaks whoever walks over it by recursion later, such as `JSON.stringify` and every
 * schema, long after the parser (which does not recurse) has taken it.
 */
export const maxNesting = 16;

/**
 * Values and keys in one message at most. Each costs one byte in CBOR, and some 300 ns to decode and to check: 256 KiB of
 * them would hold up everything for a tenth of a second. The largest batch that is taken has about 100,000.
 */
export const maxItems = 131_072;

const quote = 34;
const backslash = 92;
const comma = 44;
const listOpens = 91;
const listCloses = 93;
const objectOpens = 123;
const objectCloses = 125;

/**
 * Parses JSON from outside, whose depth and width are counted first: the text is walked over once, strings left out, without
 * judging it otherwise. `__proto__` is left out; of keys that are there twice the last counts, and 1e400 is Infinity, as
 * JSON.parse has it: the schemas refuse what is not finite.
 * @throws BadInputError for what is too deep or too wide, SyntaxError for what is no JSON
 */
export function parseJson(text: string): unknown {
  assertNesting(text);
  // The parser calls a function for each value a second time, which costs more than the rest: only where there is reason to.
  return text.includes("__proto__") || text.includes("\\u00") ? JSON.parse(text, withoutPrototypes) : JSON.parse(text);
}

/** `__proto__` as an own key survives JSON.parse and would later be assigned by a spread: left out. */
function withoutPrototypes(key: string, value: unknown): unknown {
  return key === "__proto__" ? undefined : value;
}

function assertNesting(text: string): void {
  let depth = 0;
  let items = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === comma) items += 1;
    else if (code === listOpens || code === objectOpens) {
      items += 1;
      if (++depth > maxNesting) throw tooDeep("JSON");
    } else if (code === listCloses || code === objectCloses) depth -= 1;
  }
  if (items > maxItems) throw tooWide("JSON");
}

/** The place of the quote that ends the string beginning at `at`; the text's end where there is none. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}

export function tooDeep(what: string): BadInputError {
  return new BadInputError(`${what} is nested deeper than ${maxNesting} levels`);
}

export function tooWide(what: string): BadInputError {
  return new BadInputError(`${what} has more than ${maxItems} values and keys`);
}

/** Whether lists and objects lie within one another at most `levels` deep. It goes no deeper than that itself. */
export function isShallow(value: unknown, levels: number = maxNesting): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (levels <= 0) return false;
  for (const one of Object.values(value)) if (!isShallow(one, levels - 1)) return false;
  return true;
}

/**
 * Whether a value is what JSON can say, with finite numbers, and not too deep. A plain loop, because a recursive schema gathers a
 * problem for each value at each level: half a second for 32 KiB that do not fit.
 */
export function isJson(value: unknown, levels: number = maxNesting): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || levels <= 0) return false;
  if (Array.isArray(value)) {
    for (const one of value as unknown[]) if (!isJson(one, levels - 1)) return false;
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key in value) if (!isJson((value as Record<string, unknown>)[key], levels - 1)) return false;
  return true;
}
