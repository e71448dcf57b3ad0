import type { Queue } from "./outbox/queue.ts";

interface Sent {
  /** On the monotonic clock. */
  readonly at: number;
  readonly live: boolean;
}

/** What of one queue is on its way: sent, and neither acknowledged nor given up. */
export class Flight {
  readonly queue: Queue;
  /** All up to here have been sent in this round, or are live. */
  #cursor = 0;
  readonly #sent = new Map<number, Sent>();

  constructor(queue: Queue) {
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

  /** The oldest batch that is to be sent in this round. */
  next(): number | undefined {
    for (;;) {
      const seq = this.queue.after(this.#cursor);
      if (seq === undefined || !this.#sent.has(seq)) return seq;
      this.#cursor = seq;
    }
  }

  /** This one has gone, or cannot: the round goes on behind it. */
  passed(seq: number): void {
    this.#cursor = Math.max(this.#cursor, seq);
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

  /** What was sent at `moment` or before is to be sent again. @returns how many */
  giveUp(moment: number): number {
    let count = 0;
    for (const [seq, { at }] of this.#sent) {
      if (at > moment) continue;
      this.#sent.delete(seq);
      this.#cursor = Math.min(this.#cursor, seq - 1);
      count += 1;
    }
    return count;
  }

  /** Everything is to be sent again. */
  rewind(): void {
    this.#sent.clear();
    this.#cursor = 0;
  }
}
