import type { Clock } from "#shared/clock";

/** Milliseconds between two looks at who has fallen silent: so much later than its time one is given up at most. */
export const silenceCheck = 1_000;

/**
 * A client's keep-alive (MQTT 3.1.1 §3.1.2.10) in the place of Aedes' timer: of ten thousand connections each packet would move a timer, and
 * each timer is a closure and 300 bytes. Here a packet notes a time, and one look a second goes through all.
 */
export class Silence {
  readonly #clock: Clock;
  readonly #most: number;
  #heard = 0;

  /** @param most milliseconds that may pass without a packet */
  constructor(clock: Clock, most: number) {
    this.#clock = clock;
    this.#most = most;
    this.refresh();
  }

  /** A packet has come: the name by which Aedes calls a timer of Node's. */
  refresh(): void {
    // Whole numbers are kept in place.
    this.#heard = Math.trunc(this.#clock.monotonic());
  }

  /** @param now on the monotonic clock */
  isOver(now: number): boolean {
    return now - this.#heard > this.#most;
  }
}
