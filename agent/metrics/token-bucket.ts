import type { Clock } from "#shared/clock";

/** How fast something may go on average: messages and bytes in a second. */
export interface Rate {
  readonly messages: number;
  readonly bytes: number;
}

/** A bucket that fills at a rate up to one second's worth; taking more than there is makes the next one wait longer. */
export class TokenBucket {
  readonly #rate: Rate;
  readonly #clock: Clock;
  #messages: number;
  #bytes: number;
  #filled: number;

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#messages = rate.messages;
    this.#bytes = rate.bytes;
    this.#filled = clock.monotonic();
  }

  /** Milliseconds until the next message may go; 0 when it may go now. */
  wait(): number {
    this.#fill();
    const missing = Math.max((1 - this.#messages) / this.#rate.messages, -this.#bytes / this.#rate.bytes);
    return Math.max(0, Math.ceil(missing * 1_000));
  }

  /** One message of so many bytes has gone. */
  spend(bytes: number): void {
    this.#messages -= 1;
    this.#bytes -= bytes;
  }

  #fill(): void {
    const now = this.#clock.monotonic();
    const seconds = (now - this.#filled) / 1_000;
    this.#filled = now;
    this.#messages = Math.min(this.#rate.messages, this.#messages + seconds * this.#rate.messages);
    this.#bytes = Math.min(this.#rate.bytes, this.#bytes + seconds * this.#rate.bytes);
  }
}
