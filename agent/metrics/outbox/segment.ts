import type { Gap } from "#shared/messages/metrics";
import type { GapRecord, Stored } from "./record.ts";

/** Where a record's payload stands in its file. */
export interface SegmentPlace {
  readonly seq: number;
  readonly offset: number;
  readonly length: number;
}

/**
 * What is known in memory of one file of the outbox: some 30 bytes a record. Payloads stay on the disk.
 * Positions are numbers from `first` on; a number that the file does not hold counts as one that has left.
 */
export class Segment {
  readonly path: string;
  readonly epoch: string;
  /** Who numbered its batches; undefined where an agent of before runs had names did. */
  readonly run: string | undefined;
  readonly first: number;
  /** Bytes of the file, as far as they are good. */
  size: number;
  /** Nothing may be appended any more. */
  sealed = false;
  /** Everything has left, but the gap that tells it is not on the disk yet: the file stays until then. */
  held = false;
  waiting = 0;
  waitingBytes = 0;
  /** When its first and its last record were kept, on the clock of its epoch. */
  oldest = 0;
  newest = 0;
  /** When its last record was kept, by the wall clock then, epoch ms. */
  newestWall = 0;
  readonly gaps = new Map<number, GapRecord>();
  #count = 0;
  #waits = new Uint8Array(64);
  #offset = new Uint32Array(64);
  #length = new Uint32Array(64);
  #samples = new Uint32Array(64);
  #span = new Uint32Array(64);
  #at = new Float64Array(64);

  constructor(options: { path: string; epoch: string; run?: string | undefined; first: number; size: number }) {
    this.path = options.path;
    this.epoch = options.epoch;
    this.run = options.run;
    this.first = options.first;
    this.size = options.size;
  }

  /** Numbers from {@link first} to the last record's. */
  get count(): number {
    return this.#count;
  }

  get last(): number {
    return this.first + this.#count - 1;
  }

  /**
   * Takes in a record that is on the disk, in order of the numbers.
   * @param at its first instant: on the clock of the segment's epoch where that is the present one, else on the wall clock
   */
  add(stored: Omit<Stored, "payload">, at: number, offset: number, length: number): void {
    const index = stored.seq - this.first;
    while (index >= this.#waits.length) this.#grow();
    this.#offset[index] = offset;
    this.#length[index] = length;
    this.#samples[index] = stored.samples;
    this.#span[index] = stored.span;
    this.#at[index] = at;
    this.#waits[index] = 1;
    if (this.#count === 0) this.oldest = stored.kept;
    this.newest = stored.kept;
    this.newestWall = stored.t + stored.kept - stored.mono;
    this.#count = index + 1;
    this.waiting += 1;
    this.waitingBytes += length;
    if (stored.gap) this.gaps.set(stored.seq, stored.gap);
  }

  has(seq: number): boolean {
    return this.#waits[seq - this.first] === 1;
  }

  place(seq: number): SegmentPlace {
    const index = seq - this.first;
    return { seq, offset: this.#offset[index] ?? 0, length: this.#length[index] ?? 0 };
  }

  samples(seq: number): number {
    return this.#samples[seq - this.first] ?? 0;
  }

  /** First and last instant of one record, as given to {@link add}. */
  instants(seq: number): readonly [number, number] {
    const at = this.#at[seq - this.first] ?? 0;
    return [at, at + (this.#span[seq - this.first] ?? 0)];
  }

  /** The first number from `seq` on that waits. */
  next(seq: number): number | undefined {
    for (let index = Math.max(0, seq - this.first); index < this.#count; index++)
      if (this.#waits[index] === 1) return this.first + index;
    return undefined;
  }

  /** These numbers wait no longer. @returns how many did */
  release(from: number, to: number): number {
    const before = this.waiting;
    const end = Math.min(this.#count, to - this.first + 1);
    for (let index = Math.max(0, from - this.first); index < end; index++) {
      if (this.#waits[index] === 0) continue;
      this.#waits[index] = 0;
      this.waiting -= 1;
      this.waitingBytes -= this.#length[index] ?? 0;
      this.gaps.delete(this.first + index);
    }
    return before - this.waiting;
  }

  /**
   * What is lost when all that waits leaves, as one gap.
   * @param time makes a wall clock time (epoch ms) of an instant
   */
  loss(why: string, time: (at: number) => number): Gap | undefined {
    let from: number | undefined;
    let to = 0;
    let samples = 0;
    let since = Infinity;
    let until = 0;
    for (let seq = this.next(this.first); seq !== undefined; seq = this.next(seq + 1)) {
      const [begins, ends] = this.instants(seq).map(time);
      from ??= seq;
      to = seq;
      samples += this.samples(seq);
      since = Math.min(since, begins ?? Infinity);
      until = Math.max(until, ends ?? 0);
    }
    return from === undefined ? undefined : { from, to, samples, since, until, why };
  }

  #grow(): void {
    const length = this.#waits.length * 2;
    const grown = <T extends Uint8Array | Uint32Array | Float64Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.#waits = grown(new Uint8Array(length), this.#waits);
    this.#offset = grown(new Uint32Array(length), this.#offset);
    this.#length = grown(new Uint32Array(length), this.#length);
    this.#samples = grown(new Uint32Array(length), this.#samples);
    this.#span = grown(new Uint32Array(length), this.#span);
    this.#at = grown(new Float64Array(length), this.#at);
  }
}
