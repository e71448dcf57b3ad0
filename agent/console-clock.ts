import type { Clock } from "#shared/clock";
import type { Ack } from "#shared/messages/metrics";

/** A moment of the console's, and when it was heard, on the monotonic clock. */
interface Learned {
  readonly ts: number;
  readonly at: number;
  readonly unsure: Ack["unsure"];
}

/**
 * The console's wall clock, as far as it is known here: learned from the moments in the console's acks, and carried on by the
 * monotonic clock, so that a wrong or stepping clock of this machine does not matter. Expiry is judged by it: by what the console has
 * told when it was sure of its clock. What it tells while it is not (its machine woke up days ahead, say) ends nothing.
 */
export class ConsoleClock {
  readonly #clock: Clock;
  #sure: Learned | undefined;
  #unsure: Learned | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Takes the console's present moment (epoch ms) from a message that was just received.
   * @param unsure on which side of the true time it may be, where the console doubts its clock
   */
  learn(ts: number, unsure?: Ack["unsure"]): void {
    const learned = { ts, at: this.#clock.monotonic(), unsure };
    if (unsure === undefined) this.#sure = learned;
    else this.#unsure = learned;
  }

  /** Whether the console has ever told the time and been sure of it. */
  get isSure(): boolean {
    return this.#sure !== undefined;
  }

  /** The moment that was told last by a console that was sure of it, epoch ms. */
  get heard(): number | undefined {
    return this.#sure && Math.round(this.#sure.ts);
  }

  /** Epoch ms at the console; undefined before anything was heard of it. */
  now(): number | undefined {
    const known = this.#sure ?? this.#unsure;
    return known && this.#presently(known);
  }

  /** Milliseconds since this moment, less than 0 while it is to come; undefined where nobody knows whether it is over. */
  since(moment: number): number | undefined {
    if (this.#sure) return this.#presently(this.#sure) - moment;
    // It is so late at most.
    const latest = this.#unsure?.unsure === "ahead" ? this.#presently(this.#unsure) : Infinity;
    return latest < moment ? latest - moment : undefined;
  }

  #presently({ ts, at }: Learned): number {
    return ts + this.#clock.monotonic() - at;
  }
}
