import type { Clock } from "#shared/clock";

/**
 * Bytes a second of all files together, both ways: a tenth of what a console takes in of samples, and as much as a day of any fleet's logs needs.
 */
export const maxFileRate = 4 * 1024 * 1024;

/** Milliseconds: timers come late, and small pieces would come slower than they may. */
const lateness = 20;

/** Begins what is to be asked for or sent, and says how many bytes that is. */
type Begin = () => number;

/**
 * Spreads bytes over time. Those who wait come in turn, each with one of what it wants at a time: so whoever wants much delays the others by no more
 * than that. Nothing is counted before it begins, so what is withdrawn takes nobody's time.
 */
export class Pace {
  readonly #clock: Pick<Clock, "monotonic" | "after">;
  readonly #rate: number;
  /** By whom it is for; who is next stands first. */
  readonly #waiting = new Map<string, Set<Begin>>();
  #free = 0;
  #cancel: (() => void) | undefined;

  /** @param rate bytes a second */
  constructor(clock: Pick<Clock, "monotonic" | "after">, rate = maxFileRate) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /** Calls `begin` once it is its turn, maybe at once. @param who the device that it is for @returns what withdraws it */
  wait(who: string, begin: Begin): () => void {
    const own = this.#waiting.get(who) ?? new Set();
    this.#waiting.set(who, own.add(begin));
    this.#goOn();
    return () => {
      if (own.delete(begin) && own.size === 0) this.#waiting.delete(who);
      if (this.#waiting.size === 0) this.stop();
    };
  }

  /** Lets go of all who wait. */
  stop(): void {
    this.#waiting.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** @param late milliseconds that a timer may have been late, which are made up for */
  #goOn(late = 0): void {
    // The timer goes on with it.
    if (this.#cancel) return;
    for (const [who, own] of this.#waiting) {
      const now = this.#clock.monotonic();
      if (this.#free > now) {
        this.#cancel = this.#clock.after(this.#free - now, () => {
          this.#cancel = undefined;
          this.#goOn(lateness);
        });
        return;
      }
      this.#waiting.delete(who);
      const [begin] = own;
      if (!begin) continue;
      own.delete(begin);
      if (own.size > 0) this.#waiting.set(who, own);
      this.#free = Math.max(this.#free, now - late) + (begin() / this.#rate) * 1_000;
    }
  }
}
