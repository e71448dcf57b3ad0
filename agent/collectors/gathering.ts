/** What asking one collector came to since it was last told. */
export interface Gathered {
  /** Milliseconds that an answer took on average. */
  readonly time: number;
  /** Readings since the agent began. */
  readonly readings: number;
}

interface Tally {
  asked: number;
  time: number;
  readings: number;
}

/** Keeps what collectors take and give, for the measurements that an agent makes of itself. */
export class Gathering {
  /** Problems and readings of all collectors since the agent began. */
  errors = 0;
  readings = 0;
  readonly #collectors = new Map<string, Tally>();

  /** A collector has answered, after so many milliseconds. */
  answered(collector: string, time: number, readings: number): void {
    let tally = this.#collectors.get(collector);
    if (!tally) this.#collectors.set(collector, (tally = { asked: 0, time: 0, readings: 0 }));
    tally.asked += 1;
    tally.time += time;
    tally.readings += readings;
    this.readings += readings;
  }

  /** Every collector that was asked since the last time, by name; the times begin anew. */
  drain(): ReadonlyMap<string, Gathered> {
    const all = new Map<string, Gathered>();
    for (const [name, tally] of this.#collectors) {
      if (tally.asked > 0) all.set(name, { time: tally.time / tally.asked, readings: tally.readings });
      tally.asked = tally.time = 0;
    }
    return all;
  }
}
