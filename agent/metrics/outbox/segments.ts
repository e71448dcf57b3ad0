import type { AckRange } from "./record.ts";
import type { Segment } from "./segment.ts";

/** Blocks of a file system: a small file takes one of its own. */
const block = 4_096;

/** The files of the outbox, in order of their numbers. The last one stays whatever leaves it: it tells the next number. */
export class Segments {
  #list: Segment[];

  constructor(list: readonly Segment[]) {
    this.#list = [...list];
  }

  get last(): Segment | undefined {
    return this.#list.at(-1);
  }

  get waiting(): number {
    return this.#list.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  get waitingBytes(): number {
    return this.#list.reduce((sum, { waitingBytes }) => sum + waitingBytes, 0);
  }

  /** Bytes on the disk of files that something keeps. */
  get bytes(): number {
    return this.#list.reduce((sum, { size, held }) => sum + (held ? 0 : Math.ceil(size / block) * block), 0);
  }

  *[Symbol.iterator](): Iterator<Segment> {
    yield* this.#list;
  }

  /** A new last one; it takes the place of an empty one. */
  add(segment: Segment): void {
    if (this.last?.first === segment.first) this.#list.pop();
    this.#list.push(segment);
  }

  /** The segment that holds this number, if it waits. */
  of(seq: number): Segment | undefined {
    const segment = this.#list[this.#indexOf(seq)];
    return segment?.has(seq) ? segment : undefined;
  }

  /** The first number from `seq` on that waits. */
  next(seq: number): number | undefined {
    for (let index = Math.max(0, this.#indexOf(seq)); index < this.#list.length; index++) {
      const found = this.#list[index]?.next(seq);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * These numbers wait no longer, as far as they did.
   * @param run whose numbers these are; undefined where that was not said
   * @returns how many did
   */
  release([from, to]: AckRange, run?: string): number {
    let left = 0;
    for (let index = Math.max(0, this.#indexOf(from)); index < this.#list.length; index++) {
      const segment = this.#list[index];
      if (!segment || segment.first > to) break;
      if (segment.waiting > 0 && (run === undefined || run === segment.run)) left += segment.release(from, to);
    }
    return left;
  }

  /** Takes out those that nothing keeps. */
  removeDone(): Segment[] {
    const done = this.#list.filter((one) => one !== this.last && one.waiting === 0 && !one.held);
    if (done.length > 0) this.#list = this.#list.filter((one) => !done.includes(one));
    return done;
  }

  /** Of the last segment that begins at `seq` or before; -1 where there is none. */
  #indexOf(seq: number): number {
    let low = 0;
    let high = this.#list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#list[middle]?.first ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
