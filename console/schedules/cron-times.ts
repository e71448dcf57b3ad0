import { Cron } from "croner";
import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import { wallClock, type WallClock } from "./wall-clock.ts";

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
 * hour that comes twice is due in the first of both. What is due in every hour of the day goes on hour by hour instead.
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
  const read = (where: { timezone: string } | { utcOffset: number }): Cron => {
    try {
      return new Cron(text, { ...where, mode: "5-part" });
    } catch {
      throw new BadInputError(`the cron line ${quoted(text)} is not usable: ${faultOf(text.split(/\s+/))}`);
    }
  };
  const [, hours = ""] = text.split(/\s+/);
  return everyHour.test(hours)
    ? timesOf(read({ timezone: zone }))
    : onTheWall(timesOf(read({ utcOffset: 0 })), wallClock(zone));
}

/** The hours of a line that is due in each of them. */
const everyHour = /^(\*|\*\/1|0-23)$/;

function timesOf(cron: Cron): CronTimes {
  return {
    after: (ts) => cron.nextRun(new Date(ts))?.getTime(),
    before: (ts, count) =>
      cron
        .previousRuns(count, new Date(ts))
        .map((run) => run.getTime())
        .toReversed(),
  };
}

/**
 * Goes by what the clock on the wall shows, and asks for the instant of each: later on the wall is never earlier in truth, so what is left out
 * falls together at its end. croner's own reckoning does this for one minute and one hour alone, and not over midnight.
 * @param walls the times on the wall, as if they were of UTC
 */
function onTheWall(walls: CronTimes, { wallOf, latestOf, instantOf }: WallClock): CronTimes {
  return {
    after: (ts) => {
      for (let wall = walls.after(wallOf(ts)); wall !== undefined; wall = walls.after(wall)) {
        const instant = instantOf(wall);
        if (instant > ts) return instant;
      }
      return undefined;
    },
    before: (ts, count) => {
      const found = new Set<number>();
      for (let until = latestOf(ts); found.size < count;) {
        const [wall] = walls.before(until, 1);
        if (wall === undefined) break;
        const instant = instantOf(wall);
        if (instant < ts) found.add(instant);
        until = wall;
      }
      return [...found].toReversed();
    },
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

/** @throws BadInputError for what is no time zone */
export function assertZone(zone: string): void {
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
