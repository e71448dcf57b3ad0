import type { Clock } from "#shared/clock";
import type { Sleeper, Wheel } from "./wheel.ts";

/** Somebody who wants to connect. */
export interface Entrant {
  enter(now: number): void;
}

export interface EntranceOptions {
  readonly clock: Clock;
  readonly wheel: Wheel;
  /** Connections begun in a second at most. */
  readonly rate: number;
  /** Connections begun and not yet let in at most. */
  readonly atOnce?: number;
}

const beat = 50;

/** Lets devices connect one after the other: ten thousand at once would overrun the broker's backlog, and that would be all that one measures. */
export class Entrance implements Sleeper {
  due = Infinity;
  slot = Infinity;
  readonly #options: EntranceOptions;
  #queue: Entrant[] = [];
  #next = 0;
  #inside = 0;
  #credit = 1;
  #at: number;

  constructor(options: EntranceOptions) {
    this.#options = options;
    this.#at = options.clock.monotonic();
  }

  ask(entrant: Entrant): void {
    this.#queue.push(entrant);
    if (this.due === Infinity) this.#options.wheel.arrange(this, this.#options.clock.monotonic());
  }

  /** Connections begun and not yet let in. */
  get inside(): number {
    return this.#inside;
  }

  /** One that was let try has succeeded or failed. */
  left(): void {
    this.#inside -= 1;
  }

  wake(now: number): void {
    const { rate, atOnce = 256, wheel } = this.#options;
    this.#credit = Math.min(Math.max(1, (rate * beat * 2) / 1_000), this.#credit + (rate * (now - this.#at)) / 1_000);
    this.#at = now;
    while (this.#credit >= 1 && this.#inside < atOnce && this.#next < this.#queue.length) {
      this.#credit -= 1;
      this.#inside += 1;
      this.#queue[this.#next++]?.enter(now);
    }
    if (this.#next < this.#queue.length) wheel.arrange(this, now + beat);
    else [this.#queue, this.#next] = [[], 0];
  }
}
