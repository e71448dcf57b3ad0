import { asError, BadInputError } from "#shared/errors";
import { ownSample, type OwnSample } from "#shared/messages/metrics";
import { check } from "#shared/messages/schema";
import { parseJson } from "#shared/nesting";
import { parseLineProtocol } from "./line-protocol.ts";

/** Characters of one line at most. */
export const longestLine = 32 * 1024;

const year = 365 * 86_400_000;
/** Before that the machine's clock is not set, and cannot say that another one is wrong. */
const earliest = Date.UTC(2020, 0, 1);
/** Milliseconds that the console believes a clock to be off. */
const tolerated = 300_000;

/**
 * One sample, as JSON or as line protocol.
 * @param now the wall clock, by which a time in the wrong unit is told from a real one
 * @returns undefined for a line that says nothing: an empty one, or a comment
 * @throws BadInputError with what was expected and what came instead
 */
export function readLine(line: string, now: number): OwnSample | undefined {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return undefined;
  if (text.length > longestLine) throw tooLong();
  const sample = check(ownSample, text.startsWith("{") ? json(text) : parseLineProtocol(text), "sample");
  if (sample.ts !== undefined) checkTime(sample.ts, now);
  return sample;
}

export function tooLong(): BadInputError {
  return new BadInputError(`expected at most ${longestLine} characters in a line, got more`);
}

function json(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw new BadInputError(`the line begins like JSON and is none: ${asError(error).message}`);
  }
}

/** A time in the wrong unit lies far in the past or the future. What is to come was not measured. */
function checkTime(ts: number, now: number): void {
  if (now < earliest || (ts >= year && ts <= now + tolerated)) return;
  throw new BadInputError(
    `its time would be ${new Date(ts).toISOString()}: expected a past one, in milliseconds since 1970 as "ts" in JSON, in nanoseconds in line protocol, or none for now`,
  );
}
