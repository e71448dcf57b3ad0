import type { Instant } from "./to-columns.ts";

type Moment = Omit<Instant, "readings">;

/**
 * Milliseconds between two instants at least. The store keeps whole milliseconds, and a batch is rounded twice on its way there:
 * closer than this, two could become one.
 */
export const closest = 2;
/** Instants remembered, by which one is told apart from all before a step back of the wall clock. */
export const maxInstants = 10_000;

/**
 * Gives each instant once, whatever the clocks and timers do: to the store two samples of one series at one instant are one,
 * and the second would overwrite the first after both were acknowledged. On a busy machine two beats fall into one millisecond, and a
 * wall clock that is set back comes by the same moments again.
 */
export class Instants {
  #last = -Infinity;
  /** On the wall clock, in whole milliseconds; the oldest first. */
  readonly #given = new Set<number>();

  /** The moment, or the nearest one after it that is free. */
  give({ at, mono, up }: Moment): Moment {
    let shift = Math.max(0, this.#last + closest - mono);
    while (this.#isTaken(at + shift)) shift += 1;
    this.#last = mono + shift;
    this.#remember(Math.round(at + shift));
    return { at: at + shift, mono: mono + shift, up: up + shift };
  }

  #isTaken(at: number): boolean {
    const rounded = Math.round(at);
    return this.#given.has(rounded) || this.#given.has(rounded - 1) || this.#given.has(rounded + 1);
  }

  #remember(at: number): void {
    this.#given.add(at);
    if (this.#given.size <= maxInstants) return;
    const [oldest] = this.#given;
    if (oldest !== undefined) this.#given.delete(oldest);
  }
}
