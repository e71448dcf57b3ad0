/**
 * Whole numbers beyond 2^53, which a double cannot tell from their neighbours: 9007199254740993 would arrive as …992. What a
 * command is given or gives must not change without a word (RFC 8259 §6, RFC 7493 §2.2).
 */
export const sendAsText = "a whole number beyond 2^53 would not arrive as it is: send it as text";

/** From here on JavaScript writes a number with an exponent: nobody has typed it digit by digit. */
const withExponent = 1e21;

/** Whether every whole number in a value that was parsed is the one that was meant. */
export function isExact(value: unknown): boolean {
  if (typeof value === "bigint") return false;
  if (typeof value === "number")
    return Number.isSafeInteger(value) || !Number.isInteger(value) || Math.abs(value) >= withExponent;
  if (typeof value !== "object" || value === null) return true;
  for (const one of Object.values(value)) if (!isExact(one)) return false;
  return true;
}

/** A string, which is left as it is, or a number of sixteen digits and more with what makes it no whole one. */
const stringOrLong = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;

/** The same JSON with such numbers as text, each digit kept. For what has come and cannot be sent otherwise. */
export function largeAsText(json: string): string {
  if (!/\d{16}/.test(json)) return json;
  return json.replace(stringOrLong, (found) =>
    found.startsWith('"') || Number.isSafeInteger(Number(found)) ? found : `"${found}"`,
  );
}

/** What a decoder gives as BigInt, as text. */
export function bigAsText(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return value.map(bigAsText);
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, bigAsText(one)]));
}
