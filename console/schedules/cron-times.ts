import { Cron } from "croner";
import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";

/** Characters of a cron line: five fields, with lists. */
export const maxCronLength = 200;

/** When a cron line is due, in a time zone. */
export interface CronTimes {
  /** The first instant behind `ts`, epoch ms; undefined where there is none, as of 31 February. */
  after(ts: number): number | undefined;
  /** The newest instants before `ts`, `count` at most, the oldest first. */
  before(ts: number, count: number): readonly number[];
}

/**
 * Reads a line of five fields: minute, hour, day of the month, month, day of the week. Where both days are said, either does, as cron has it.
 *
 * Where the clock is put forward, what falls into the hour that is left out is due once, at its end; where it is put back, what falls into the
 * hour that comes twice is due in the first of both.
 * @param zone of the IANA's time zones: Europe/Berlin, UTC
 * @throws BadInputError that says what is wrong
 */
export function cronTimes(line: string, zone: string): CronTimes {
  const text = line.trim();
  if (text.length > maxCronLength)
    throw new BadInputError(`the cron line has ${text.length} characters: expected ${maxCronLength} at most`);
  if (text.split(/\s+/).length !== 5)
    throw new BadInputError(
      `the cron line ${quoted(text)} is not usable: expected five fields, minute, hour, day of the month, month, day of the week, as in 0 3 * * 1-5`,
    );
  assertZone(zone);
  let cron: Cron;
  try {
    cron = new Cron(text, { timezone: zone, mode: "5-part" });
  } catch {
    throw new BadInputError(`the cron line ${quoted(text)} is not usable: ${faultOf(text.split(/\s+/))}`);
  }
  return {
    after: (ts) => cron.nextRun(new Date(ts))?.getTime(),
    before: (ts, count) =>
      cron
        .previousRuns(count, new Date(ts))
        .map((run) => run.getTime())
        .toReversed(),
  };
}

/** The fields of a line, and what each may be. */
const fields = [
  ["minute", "0 to 59"],
  ["hour", "0 to 23"],
  ["day of the month", "1 to 31, or L for the last"],
  ["month", "1 to 12, or JAN to DEC"],
  ["day of the week", "0 to 7 (0 and 7 are Sunday), or SUN to SAT"],
] as const;

/** Which field is wrong: that which does not read beside four that do. The library's own words are of its code. */
function faultOf(given: readonly string[]): string {
  const at = given.findIndex((field, place) => !reads(fields.map((_, other) => (other === place ? field : "*"))));
  const [name, range] = fields[at] ?? ["line", "five fields, as in 0 3 * * 1-5"];
  return `the ${name} is ${quoted(given[at] ?? given.join(" "))}: expected ${range}, with lists (1,5), ranges (1-5) and steps (*/2)`;
}

function reads(line: readonly string[]): boolean {
  try {
    return new Cron(line.join(" "), { mode: "5-part" }) instanceof Cron;
  } catch {
    return false;
  }
}

function assertZone(zone: string): void {
  try {
    Intl.DateTimeFormat("en", { timeZone: zone });
  } catch {
    throw new BadInputError(`${quoted(zone)} is no time zone: expected one such as Europe/Berlin or UTC`);
  }
}

/** The next instants behind `ts`, `count` at most. */
export function nextTimes(times: CronTimes, ts: number, count: number): readonly number[] {
  const next: number[] = [];
  for (let at = times.after(ts); at !== undefined && next.length < count; at = times.after(at)) next.push(at);
  return next;
}
