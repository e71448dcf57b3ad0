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

/** When a rule would have fired, sample by sample. */
export class Replay {
  readonly #timing: AlertTiming;
  readonly #watched: Watched;
  readonly #episodes: Episode[] = [];
  #previous = -Infinity;

  /** @param state where it stands before them */
  constructor(check: RuleCheck, timing: AlertTiming, state: AlertState = normal) {
    this.#timing = timing;
    this.#watched = new Watched(check, state);
    this.#begun();
  }

  /** Takes the next one in the order of their times. */
  take([at, ...values]: ReplayRow): void {
    const { state } = this.#watched;
    if (this.#watched.next(this.#timing, at, this.#previous, values)) {
      const last = state.phase === "firing" ? this.#episodes.pop() : undefined;
      if (last) this.#episodes.push({ ...last, resolved: at });
      this.#begun();
    }
    this.#previous = at;
  }

  get done(): Replayed {
    return { episodes: this.#episodes, state: this.#watched.state };
  }

  #begun(): void {
    const { state, value } = this.#watched;
    if (state.phase === "firing")
      this.#episodes.push({ since: state.since, fired: state.fired, resolved: null, value });
  }
}

/** When a rule would have fired. @param rows in the order of their times @param state where it stands before them */
export function replayRule(
  check: RuleCheck,
  timing: AlertTiming,
  rows: Iterable<ReplayRow>,
  state: AlertState = normal,
): Replayed {
  const replay = new Replay(check, timing, state);
  for (const row of rows) replay.take(row);
  return replay.done;
}
