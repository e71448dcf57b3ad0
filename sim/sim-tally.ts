/** Eight steps for each doubling of a millisecond, up to 2^24 ms: within 9 % of the truth. */
const stepsPerDoubling = 8;
const steps = 24 * stepsPerDoubling;

/** What the whole simulation counts. Times are milliseconds. */
export class SimTally {
  connected = 0;
  connects = 0;
  /** Connections that ended without having been left, flaps not among them. */
  lost = 0;
  flaps = 0;
  /** Agents that the console told to stop, because another one lives under their id. */
  refused = 0;
  /** Agents that the broker let in no more: their device was removed or retired. */
  turnedAway = 0;
  /** Batches made, sent for the first time, sent again, acknowledged; forced out of a full backlog; left behind by agents that ended. */
  batches = 0;
  sent = 0;
  resent = 0;
  acked = 0;
  dropped = 0;
  abandoned = 0;
  /** Batches acknowledged more than one interval after they were made. */
  late = 0;
  samples = 0;
  commands = 0;
  readonly #times = new Uint32Array(steps);
  #settled = (): void => {};

  /** Notes that a batch was acknowledged `ms` after it was made, where it should be in `interval`. */
  acknowledged(ms: number, interval: number): void {
    this.acked += 1;
    if (ms > interval) this.late += 1;
    const step = Math.floor(Math.log2(Math.max(1, ms)) * stepsPerDoubling);
    const at = Math.min(steps - 1, step);
    this.#times[at] = (this.#times[at] ?? 0) + 1;
    if (this.waiting === 0) this.#settled();
  }

  /** Resolves when no batch waits. */
  settled(): Promise<void> {
    return this.waiting === 0 ? Promise.resolve() : new Promise((resolve) => (this.#settled = resolve));
  }

  /** Batches that wait for their ack. */
  get waiting(): number {
    return this.batches - this.acked - this.dropped - this.abandoned;
  }

  /** The time within which the share `p` of the batches was acknowledged; 0 where there is none. */
  percentile(p: number): number {
    let left = this.acked * p;
    for (const [step, count] of this.#times.entries()) {
      left -= count;
      if (count > 0 && left <= 0) return 2 ** ((step + 1) / stepsPerDoubling);
    }
    return 0;
  }
}
