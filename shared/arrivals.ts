import type { Clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";

/**
 * Milliseconds that a series' moments may run ahead of the clock. Who sends more than one sample without a time for each of them has
 * to say when they were.
 */
export const farthestAhead = 1_000;
/** Series remembered at most. Only those of the last moments matter: of the others the clock itself is ahead. */
export const maxArrivals = 10_000;

/**
 * Moments for what came without a time of its own: no two samples of a series get the same millisecond, where the second one would
 * overwrite the first one.
 */
export class Arrivals {
  readonly #clock: Clock;
  readonly #last = new Map<string, number>();
  /** No series has a moment after this of the time before the start. */
  #floor = -Infinity;
  /** The wall clock's distance from the one that only grows. */
  #offset = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Series remembered. */
  get size(): number {
    return this.#last.size;
  }

  /** To be called where earlier runs count. @param latest the last moment that an earlier run has given, epoch ms */
  start(latest: number): void {
    // Beyond that the clock was set back since, and will not come to that moment.
    if (latest - this.#clock.now() <= farthestAhead) this.#floor = latest;
  }

  /**
   * @param taken by series, how many milliseconds up to the moment are to be free
   * @throws BadInputError when there are not so many
   */
  next(taken: ReadonlyMap<string, number>): number {
    const now = Math.floor(this.#clock.now());
    this.#noticeStep(now);
    let moment = now;
    for (const [series, count] of taken) moment = Math.max(moment, (this.#last.get(series) ?? this.#floor) + count);
    if (moment - now > farthestAhead)
      throw new BadInputError(
        `more than ${farthestAhead} samples of one series in a second without a time of their own: give each its "ts"`,
      );
    for (const series of taken.keys()) this.#remember(series, moment, now);
    return moment;
  }

  #noticeStep(now: number): void {
    const offset = now - this.#clock.monotonic();
    if (this.#offset - offset > farthestAhead) {
      this.#last.clear();
      this.#floor = -Infinity;
    }
    this.#offset = offset;
  }

  #remember(key: string, moment: number, now: number): void {
    this.#last.delete(key);
    this.#last.set(key, moment);
    if (this.#last.size <= maxArrivals) return;
    for (const [old, last] of this.#last) if (last < now || this.#last.size > maxArrivals) this.#last.delete(old);
  }
}
