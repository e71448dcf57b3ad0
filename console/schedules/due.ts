import type { CronTimes } from "./cron-times.ts";
import type { Schedule } from "./schedule.ts";

/** Milliseconds after its time in which a run counts as punctual: a busy console, or one that was started anew. */
export const punctualWithin = 60_000;
/** Missed runs of one schedule that are told apart at once, the newest: of each minute of a month nobody reads more. */
export const maxMissedTold = 20;

/** What is to be done about a schedule at a moment. */
export interface DueRuns {
  /** The one to begin; undefined where none is. */
  readonly begin: { readonly due: number; readonly late: boolean } | undefined;
  /** Those that are not begun any more, the oldest first. */
  readonly missed: readonly number[];
  /** Whether there are older ones, which are not gone through. */
  readonly more: boolean;
}

/**
 * What was due since a schedule was looked at last. Of several the newest alone is begun: what was missed is not made up for twenty times.
 * @param isKnown whether something has become of that instant already
 */
export function dueRuns(
  { handled, window, missed: wish }: Pick<Schedule, "handled" | "window" | "missed">,
  times: CronTimes,
  now: number,
  isKnown: (due: number) => boolean = () => false,
): DueRuns {
  const newest = times.before(now + 1, maxMissedTold + 1).filter((due) => due > handled);
  const instants = newest.filter((due) => !isKnown(due));
  const last = instants.at(-1);
  const more = newest.length > maxMissedTold;
  if (last === undefined) return { begin: undefined, missed: [], more: false };
  const lateness = now - last;
  const isPunctual = lateness <= punctualWithin;
  if (!isPunctual && !(wish === "run" && lateness <= window)) return { begin: undefined, missed: instants, more };
  return { begin: { due: last, late: !isPunctual }, missed: instants.slice(0, -1), more };
}
