import { BadInputError } from "#shared/errors";
import type { Period } from "#shared/fleet-report";
import { assertZone } from "../schedules/cron-times.ts";
import { wallClock } from "../schedules/wall-clock.ts";

export type PeriodKind = Exclude<Period["kind"], "between">;

const aDay = 86_400_000;
/** Milliseconds that one report is of at most: a year. */
export const maxReportTime = 366 * aDay;

/**
 * A week, from Monday on, or a month, as the clocks of a time zone show them.
 * @param back 0 for the one that is not over at `now`, 1 for the last one that is
 * @throws BadInputError for no time zone
 */
export function calendarPeriod(
  kind: PeriodKind,
  back: number,
  { zone, now }: { readonly zone: string; readonly now: number },
): Period {
  assertZone(zone);
  const { wallOf, instantOf } = wallClock(zone);
  const wall = new Date(wallOf(now));
  const [year, month, day] = [wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate()];
  const monday = day - ((wall.getUTCDay() + 6) % 7);
  const begins = (at: number): number =>
    instantOf(kind === "week" ? Date.UTC(year, month, monday - 7 * at) : Date.UTC(year, month - at, 1));
  return { kind, from: begins(back), to: begins(back - 1), zone };
}

/** @throws BadInputError for a time that is none, or longer than a report may be of */
export function periodBetween(from: number, to: number, zone: string): Period {
  assertZone(zone);
  if (to <= from) throw new BadInputError("a report is of the time between `from` and a later `to`");
  if (to - from > maxReportTime) throw new BadInputError("a report is of 366 days at most");
  return { kind: "between", from, to, zone };
}

/** The one before, to compare with. */
export function periodBefore({ kind, from, to, zone }: Period): Period {
  if (kind === "between") return { kind, from: from - (to - from), to: from, zone };
  return calendarPeriod(kind, 1, { zone, now: from });
}
