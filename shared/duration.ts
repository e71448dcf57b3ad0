import { asError, BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A duration: text with its unit, as people write it (`500ms`, `5s`, `1h30m`), or a number of milliseconds, as programs do. */
export type Duration = string | number;

const day = 86_400_000;

/**
 * The longest span that is read at all (ms): a century. Longer than anybody keeps anything, and short enough for a database that counts
 * nanoseconds in 64 bits; the moment at its end is one that a Date can hold.
 */
export const maxDuration = 36_500 * day;

/**
 * The longest that somebody may wait for a device (ms), and a command for its end: ten years, which is longer than most devices live. What
 * is more is a unit mistaken for another.
 */
export const maxWait = 3_650 * day;

const written = /^(?:\s*\d+(?:\.\d+)?\s*(?:ms|[smhdw]))+\s*$/;
const unitless = /^\s*\d+(?:\.\d+)?\s*$/;

/**
 * Reads one that was written by a person: only with its unit, for a number alone is milliseconds to one and seconds to another.
 * @param most milliseconds
 * @returns milliseconds @throws BadInputError whose message ends a sentence, and says what was expected
 */
export function readDuration(text: string, most = maxDuration): number {
  if (unitless.test(text))
    throw new BadInputError(
      "expected a unit with the number, as in 10s, 500ms, 15m, 1h30m or 7d: alone it could mean any",
    );
  if (!written.test(text)) throw new BadInputError("expected a duration such as 500ms, 10s, 15m, 1h30m or 7d");
  let ms = 0;
  for (const [, amount, unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|[smhdw])/g))
    ms += Number(amount) * (units[unit] ?? Number.NaN);
  return within(ms, most);
}

/**
 * @param what names it in the message @param most milliseconds
 * @returns milliseconds @throws BadInputError that shows how to write one
 */
export function parseDuration(duration: Duration, what = "duration", most = maxDuration): number {
  try {
    return typeof duration === "number" ? within(duration, most) : readDuration(duration, most);
  } catch (error) {
    const given = typeof duration === "number" ? `${duration} ms` : quoted(duration);
    throw new BadInputError(`${what} is ${given}: ${asError(error).message}`);
  }
}

function within(ms: number, most: number): number {
  const whole = Math.round(ms);
  if (whole > most) throw new BadInputError(`expected ${formatDuration(most)} at most`);
  if (whole > 0) return whole;
  throw new BadInputError("expected more than 0");
}

/** Milliseconds in the two largest units that matter: `1h 30m`, `4.2s`, `350ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${Math.round(ms / 100) / 10}s`;
  const [large, small] =
    ms < 3_600_000 ? (["m", "s"] as const) : ms < 86_400_000 ? (["h", "m"] as const) : (["d", "h"] as const);
  const whole = Math.floor(ms / units[large]!);
  const rest = Math.floor((ms - whole * units[large]!) / units[small]!);
  return rest > 0 ? `${whole}${large} ${rest}${small}` : `${whole}${large}`;
}
