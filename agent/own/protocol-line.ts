import { asError, BadInputError } from "#shared/errors";
import type { OddField } from "#shared/messages/flatten";
import { momentRule, readMoment } from "#shared/messages/moments";
import { readOwn, type OwnSample } from "#shared/messages/simple";
import { parseJson } from "#shared/nesting";
import { parseLineProtocol } from "./line-protocol.ts";

/** Characters of one line at most. */
export const maxProtocolLineLength = 32 * 1024;

const year = 365 * 86_400_000;
/** Before that the machine's clock is not set, and cannot say that another one is wrong. */
const earliest = Date.UTC(2020, 0, 1);
/** Milliseconds that the console believes a clock to be off. */
const tolerated = 300_000;

export interface ProtocolLine {
  readonly sample: OwnSample;
  /** What of it is left out, as a sentence for whoever wrote it. */
  readonly odd?: string;
}

/**
 * One sample, as JSON or as line protocol.
 * @param now the wall clock, by which a time in the wrong unit is told from a real one
 * @returns undefined for a line that says nothing: an empty one, or a comment
 * @throws BadInputError with what was expected and what came instead
 */
export function readLine(line: string, now: number): ProtocolLine | undefined {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return undefined;
  if (text.length > maxProtocolLineLength) throw tooLong();
  const { sample, odd } = text.startsWith("{") ? readOwn(json(text)) : ofProtocol(text, now);
  if (sample.ts !== undefined) checkTime(sample.ts, now);
  const [first] = odd.list;
  return first ? { sample, odd: leftOut(first, odd.count - 1) } : { sample };
}

function ofProtocol(text: string, now: number): ReturnType<typeof readOwn> {
  const { ts, ...line } = parseLineProtocol(text);
  const { sample, odd } = readOwn(line);
  return { sample: { ...sample, ...(ts === undefined ? {} : { ts: instantOf(ts, now) }) }, odd };
}

/** Nanoseconds, or a larger unit where the number of digits says so; not while the clock stands in 1970, of which nanoseconds have as few. */
function instantOf(digits: string, now: number): number {
  const moment = now >= earliest && [10, 13, 16, 19].includes(digits.length) ? readMoment(digits) : undefined;
  return typeof moment === "object" ? moment.at : Number(digits.slice(0, -6));
}

function leftOut({ field, got, sample }: OddField, others: number): string {
  const more = others > 0 ? `, and ${others} more` : "";
  return `left out ${field} (${got}: ${sample})${more}; the rest of the line is taken`;
}

export function tooLong(): BadInputError {
  return new BadInputError(`expected at most ${maxProtocolLineLength} characters in a line, got more`);
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
    `its time would be ${new Date(ts).toISOString()}, which is not past, or of no clock that was set: ${momentRule}`,
  );
}
