import type { BatchQueue } from "./outbox/batch-queue.ts";

interface Sent {
  /** On the monotonic clock. */
  readonly at: number;
  readonly live: boolean;
}

/** Times that a batch is sent without an ack before others go first: some damaged or foreign one may never get any. */
export const inVain = 2;

/** What of one queue is on its way: sent, and neither acknowledged nor given up. */
export class InFlightWindow {
  readonly queue: BatchQueue;
  /** All up to here have been sent in this round, or are live. */
  #cursor = 0;
  readonly #sent = new Map<number, Sent>();
  /** How often those were sent in vain that are waiting still. */
  readonly #vain = new Map<number, number>();
  /** Those that give way to all others, the one that was given up longest ago first. */
  readonly #stubborn = new Set<number>();

  constructor(queue: BatchQueue) {
    this.queue = queue;
  }

  /** Batches on their way. */
  count(live: boolean): number {
    let count = 0;
    for (const one of this.#sent.values()) count += one.live === live ? 1 : 0;
    return count;
  }

  /** When the one that is longest on its way was sent. */
  get earliest(): number {
    let earliest = Infinity;
    for (const { at } of this.#sent.values()) earliest = Math.min(earliest, at);
    return earliest;
  }

  /** Of those on their way, the ones that give way to others. */
  get stubborn(): number {
    let count = 0;
    for (const seq of this.#stubborn) count += this.#sent.has(seq) ? 1 : 0;
    return count;
  }

  /** The oldest batch that is to be sent in this round. */
  next(): number | undefined {
    for (;;) {
      const seq = this.queue.after(this.#cursor);
      if (seq === undefined || !(this.#sent.has(seq) || this.#stubborn.has(seq))) return seq;
      this.#cursor = seq;
    }
  }

  /** The one of those that give way which has waited longest. */
  nextStubborn(): number | undefined {
    for (const seq of this.#stubborn) {
      if (!this.queue.has(seq)) this.#forget(seq);
      else if (!this.#sent.has(seq)) return seq;
    }
    return undefined;
  }

  /** This one has gone, or cannot: the round goes on behind it. */
  passed(seq: number): void {
    this.#cursor = Math.max(this.#cursor, seq);
  }

  /** Whether it was sent without an ack, and waits still. */
  wasInVain(seq: number): boolean {
    return this.#vain.has(seq);
  }

  sent(seq: number, at: number, live: boolean): void {
    this.#sent.set(seq, { at, live });
  }

  /** Lets go of what no longer waits. @param settled is told when each was sent */
  settle(settled: (at: number) => void): void {
    for (const [seq, { at }] of this.#sent) {
      if (this.queue.has(seq)) continue;
      this.#sent.delete(seq);
      settled(at);
    }
  }

  /**
   * What was sent at `moment` or before is to be sent again.
   * @param counts whether that says something about the batch, and not about a console that takes none
   * @returns how many
   */
  giveUp(moment: number, counts: boolean): number {
    let count = 0;
    for (const [seq, { at }] of this.#sent) {
      if (at > moment) continue;
      this.#sent.delete(seq);
      if (counts) this.#failed(seq);
      if (!this.#stubborn.has(seq)) this.#cursor = Math.min(this.#cursor, seq - 1);
      count += 1;
    }
    for (const seq of this.#vain.keys()) if (!this.queue.has(seq)) this.#forget(seq);
    return count;
  }

  /** Everything is to be sent again. */
  rewind(): void {
    this.#sent.clear();
    this.#cursor = 0;
  }

  #failed(seq: number): void {
    const times = (this.#vain.get(seq) ?? 0) + 1;
    this.#vain.set(seq, times);
    this.#stubborn.delete(seq);
    if (times >= inVain) this.#stubborn.add(seq);
  }

  #forget(seq: number): void {
    this.#vain.delete(seq);
    this.#stubborn.delete(seq);
  }
}
