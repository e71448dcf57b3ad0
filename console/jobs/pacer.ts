import type { Clock } from "#shared/clock";

/** Lets one piece of work through at a time, at an even pace: never a burst after a wait. */
export class Pacer {
  readonly #clock: Clock;
  readonly #interval: number;
  /** When the next one may go, on the monotonic clock. */
  #due = 0;
  #cancel: (() => void) | undefined;

  /** @param rate pieces a second at most */
  constructor(clock: Clock, rate: number) {
    this.#clock = clock;
    this.#interval = 1_000 / rate;
  }

  /** Runs `work` once, when it is due; while something is planned, further plans are dropped. */
  plan(work: () => void): void {
    if (this.#cancel) return;
    const now = this.#clock.monotonic();
    this.#due = Math.max(this.#due, now);
    this.#cancel = this.#clock.after(this.#due - now, () => {
      this.#cancel = undefined;
      // Counted from when it was due, so that late timers do not add up.
      this.#due += this.#interval;
      work();
    });
  }

  /** The next piece of work waits so many milliseconds at least. */
  hold(ms: number): void {
    this.#due = Math.max(this.#due, this.#clock.monotonic() + ms);
  }

  halt(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
