import type { Clock } from "#shared/clock";

/**
 * The console's wall clock, as far as it is known here: learned from the moments in the console's acks, and carried on by the
 * monotonic clock, so that a wrong or stepping clock of this machine does not matter. Expiry is judged by it.
 */
export class ConsoleClock {
  readonly #clock: Clock;
  #learned: { readonly ts: number; readonly at: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the console's present moment (epoch ms) from a message that was just received. */
  learn(ts: number): void {
    this.#learned = { ts, at: this.#clock.monotonic() };
  }

  /** Epoch ms at the console; undefined before anything was heard of it. */
  now(): number | undefined {
    return this.#learned && this.#learned.ts + this.#clock.monotonic() - this.#learned.at;
  }
}
