import type { Clock } from "#shared/clock";

/** Moves the wall clock of a process by so many milliseconds from the true time; 0 puts it right. */
export interface StepMessage {
  readonly step: number;
}

/** A clock whose wall the main process steps, as a wrong battery, an operator or NTP does. */
export class SteppedClock implements Clock {
  readonly #inner: Clock;
  #by: number;

  /** @param by milliseconds that it is wrong by from its first moment */
  constructor(inner: Clock, by = 0) {
    this.#inner = inner;
    this.#by = by;
    process.on("message", (message: Partial<StepMessage>) => {
      if (message.step !== undefined) this.#by = message.step;
    });
  }

  now(): number {
    return this.#inner.now() + this.#by;
  }

  monotonic(): number {
    return this.#inner.monotonic();
  }

  uptime(): number {
    return this.#inner.uptime();
  }

  after(ms: number, run: () => void): () => void {
    return this.#inner.after(ms, run);
  }
}
