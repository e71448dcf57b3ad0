import { counted } from "#shared/counted";
import { asError } from "#shared/errors";
import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import { tolerated } from "./placing.ts";
import type { Ahead } from "../store/store.ts";

export interface FutureSamplesOptions {
  /** Looks into the store for samples later than a moment; undefined for a store that cannot tell. */
  readonly look: ((after: number) => Promise<Ahead | undefined>) | undefined;
  /** Whether the present moment is one to go by. */
  readonly trusted: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when {@link FutureSamples.problem} has come or gone. */
  readonly changed: () => void;
}

/** Milliseconds between two looks: what is in the future comes to be in the past by itself. */
export const futureLookEvery = 3_600_000;

/**
 * Samples that stand in the future, because a clock that was days ahead, the console's own, has placed them: nothing moves them when it
 * is right again, so a person is told where they are.
 */
export class FutureSamples {
  readonly #options: FutureSamplesOptions;
  #problem: string | undefined;
  #cancel: (() => void) | undefined;
  #looking = false;
  #stopped = false;

  constructor(options: FutureSamplesOptions) {
    this.#options = options;
  }

  /** As a sentence without its end; undefined where there are none. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** To be called when the store is there, and whenever the clock is believed again. */
  check(): void {
    const { look, trusted, clock } = this.#options;
    if (!look || this.#stopped || this.#looking) return;
    this.#cancel?.();
    this.#cancel = clock.after(futureLookEvery, () => this.check());
    if (!trusted()) return;
    this.#looking = true;
    void this.#look(look);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  async #look(look: (after: number) => Promise<Ahead | undefined>): Promise<void> {
    const { clock, log } = this.#options;
    const now = clock.now();
    try {
      const ahead = await look(now + 2 * tolerated);
      this.#become(ahead && sentence(ahead, Math.round(now + 2 * tolerated)));
    } catch (thrown) {
      log.warn({ err: asError(thrown) }, "whether samples stand in the future could not be looked up");
    } finally {
      this.#looking = false;
    }
  }

  #become(problem: string | undefined): void {
    if (problem === this.#problem || this.#stopped) return;
    const isNews = (problem === undefined) !== (this.#problem === undefined);
    this.#problem = problem;
    if (isNews && problem !== undefined) this.#options.log.warn({}, problem);
    if (isNews) this.#options.changed();
  }
}

function sentence({ samples, more, devices, until }: Ahead, after: number): string {
  const [first = "", ...others] = devices;
  const whose = others.length === 0 ? first : `${first} and ${others.length} more`;
  const count = `${counted(samples, "sample")}${more ? " or more" : ""}`;
  return (
    `${count} of ${whose} ${samples === 1 && !more ? "stands" : "stand"} in the future, up to ${new Date(until).toISOString()}: a clock that was wrong has placed them there. ` +
    `They are shown in charts of that time, and nothing newer is hidden by them; to delete them: ` +
    `sqlite3 metrics.db "DELETE FROM samples WHERE ts > ${after}; DELETE FROM stretches WHERE first > ${after}", in the console's data directory`
  );
}
