import type { Collector, Reading } from "./collector.ts";

/** Milliseconds of CPU in a sample that one costly reading may take on average. */
const budget = 0.05;
/** Milliseconds between two readings at most of what takes a few milliseconds: once a minute, with room for a beat that is not quite even. */
export const maxPause = 55_000;
/** The same of what takes more, each millisecond of which is worth so many between two readings: a twenty thousandth of a core. */
export const maxLongPause = 295_000;
const worth = 20_000;

/**
 * When something that is costly to read is read again: as soon as its cost, spread over the samples since, is within the budget,
 * and once a minute at least; what takes more than three milliseconds more rarely, once in five minutes at least.
 */
export class CollectorTurns {
  readonly #minPause: number;
  #begun = Number.NEGATIVE_INFINITY;
  #left = 0;
  #longest = maxPause;

  /** @param minPause milliseconds between two readings at least, for what takes many bytes on the wire */
  constructor(minPause = 0) {
    this.#minPause = minPause;
  }

  /** To be asked once a sample. @param now on the monotonic clock, in milliseconds */
  due(now: number): boolean {
    const passed = now - this.#begun;
    const affordable = this.#left <= 0;
    this.#left -= 1;
    if (passed < this.#minPause || !(affordable || passed >= this.#longest)) return false;
    this.#begun = now;
    return true;
  }

  /** What the reading took, in milliseconds. */
  took(cost: number): void {
    this.#left = Math.ceil(cost / budget) - 1;
    this.#longest = Math.min(maxLongPause, Math.max(maxPause, cost * worth));
  }
}

/** The same collector, asked on its turns only; between them it has no readings. */
export function rarely(collector: Collector, minPause = 0): Collector {
  const turns = new CollectorTurns(minPause);
  return {
    ...collector,
    sample(context): Promise<readonly Reading[]> | readonly Reading[] {
      const begun = context.clock.monotonic();
      if (!turns.due(begun)) return [];
      const readings = collector.sample(context);
      turns.took(context.clock.monotonic() - begun);
      return readings;
    },
  };
}
