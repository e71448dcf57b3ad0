import type { FieldValue } from "#shared/columns";
import { normal, type AlertState, type AlertTiming } from "./alert-state.ts";
import { Watched, type RuleCheck } from "./rule-check.ts";

/** From firing to its end. Moments are epoch ms. */
export interface Episode {
  readonly since: number;
  readonly fired: number;
  /** Null while it lasts. */
  readonly resolved: number | null;
  readonly value: FieldValue;
}

/** A row of a series: its time, and a value for each of the check's inputs. */
export type ReplayRow = readonly [at: number, ...values: FieldValue[]];

export interface Replayed {
  readonly episodes: readonly Episode[];
  readonly state: AlertState;
}

/** When a rule would have fired. @param rows in the order of their times @param state where it stands before them */
export function replayRule(
  check: RuleCheck,
  timing: AlertTiming,
  rows: Iterable<ReplayRow>,
  state: AlertState = normal,
): Replayed {
  const watched = new Watched(check, state);
  const episodes: Episode[] = [];
  const begun = (): void => {
    const { state: now, value } = watched;
    if (now.phase === "firing") episodes.push({ since: now.since, fired: now.fired, resolved: null, value });
  };
  begun();
  let previous = -Infinity;
  for (const [at, ...values] of rows) {
    const before = watched.state;
    if (watched.next(timing, at, previous, values)) {
      if (before.phase === "firing") episodes.push({ ...episodes.pop()!, resolved: at });
      begun();
    }
    previous = at;
  }
  return { episodes, state: watched.state };
}
