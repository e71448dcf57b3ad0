import { Cron } from "croner";
import { asError, BadInputError } from "#shared/errors";
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
  } catch (thrown) {
    throw new BadInputError(`the cron line ${quoted(text)} is not usable: ${asError(thrown).message}`);
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
