import type { Clock } from "#shared/clock";

/**
 * Bytes a second of all files together, both ways: a tenth of what a console takes in of samples, and as much as a day of any fleet's logs needs.
 */
export const maxFileRate = 4 * 1024 * 1024;

/** Spreads bytes over time: nobody is let through before there is room for all who came earlier. */
export class Pace {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #rate: number;
  #free = 0;

  /** @param rate bytes a second */
  constructor(clock: Pick<Clock, "monotonic">, rate = maxFileRate) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /** @returns the milliseconds to wait before so many bytes are asked for or sent */
  take(bytes: number): number {
    const now = this.#clock.monotonic();
    const begin = Math.max(now, this.#free);
    this.#free = begin + (bytes / this.#rate) * 1_000;
    return begin - now;
  }
}
