import type { Clock } from "#shared/clock";
import type { AckRange, Stored } from "./record.ts";

/** Bytes that wait in memory for their turn on the disk at most: what a power cut may cost is bounded by more than the time. */
export const maxGatheredBytes = 1024 * 1024;

export interface UnwrittenBatchesOptions {
  /** Milliseconds that a batch waits for the console's ack before it goes to the disk. */
  readonly patience: number;
  readonly clock: Clock;
  /** These have waited for long enough; in order of their numbers. */
  readonly due: (batches: readonly Stored[]) => void;
}

interface Waiting {
  readonly stored: Stored;
  readonly since: number;
  /** It is on its way to the disk. */
  leaving: boolean;
}

/**
 * Batches that may be sent before they are on the disk. What the console acknowledges in time is never written; the others go together, in
 * one write and one sync.
 */
export class UnwrittenBatches {
  readonly #options: UnwrittenBatchesOptions;
  /** In order of seq: a Map keeps the order of insertion. */
  readonly #waiting = new Map<number, Waiting>();
  #bytes = 0;
  #stopped = false;
  #cancel: (() => void) | undefined;

  constructor(options: UnwrittenBatchesOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#waiting.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get first(): Stored | undefined {
    for (const { stored } of this.#waiting.values()) return stored;
    return undefined;
  }

  add(stored: Stored): void {
    // The encoder's bytes are part of a larger block that would stay as long as they do.
    const own = { ...stored, batch: undefined, payload: Buffer.from(stored.payload) };
    this.#waiting.set(stored.seq, { stored: own, since: this.#options.clock.monotonic(), leaving: false });
    this.#bytes += stored.payload.length;
    if (this.#bytes > maxGatheredBytes) this.flush();
    else this.#watch();
  }

  get(seq: number): Stored | undefined {
    return this.#waiting.get(seq)?.stored;
  }

  /** The first batch after `seq`. */
  after(seq: number): number | undefined {
    for (const one of this.#waiting.keys()) if (one > seq) return one;
    return undefined;
  }

  /** @returns how many left */
  release(ranges: readonly AckRange[]): number {
    const before = this.#waiting.size;
    for (const seq of this.#waiting.keys()) if (ranges.some(([from, to]) => from <= seq && seq <= to)) this.take(seq);
    return before - this.#waiting.size;
  }

  /** It waits here no longer. @returns whether it did */
  take(seq: number): boolean {
    this.#bytes -= this.#waiting.get(seq)?.stored.payload.length ?? 0;
    return this.#waiting.delete(seq);
  }

  /** The disk did not take these: they wait on. */
  stay(batches: readonly Stored[]): void {
    for (const { seq } of batches) {
      const one = this.#waiting.get(seq);
      if (one) one.leaving = false;
    }
    this.#watch(this.#options.patience);
  }

  /** All that waits goes to the disk now. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const due = [...this.#waiting.values()].filter(({ leaving }) => !leaving);
    for (const one of due) one.leaving = true;
    if (due.length > 0) this.#options.due(due.map(({ stored }) => stored));
  }

  /** Throws everything away that is not on its way to the disk. @returns what that was */
  clear(): Stored[] {
    const gone = [...this.#waiting.values()].flatMap(({ stored, leaving }) => (leaving ? [] : stored));
    for (const { seq } of gone) this.take(seq);
    return gone;
  }

  /** What waits goes to the disk, and nothing comes after it. */
  stop(): void {
    this.#stopped = true;
    this.flush();
  }

  /** Whoever waited longest takes the others along: they share its sync. */
  #watch(wait = this.#wait()): void {
    if (wait === undefined || this.#stopped) return;
    this.#cancel ??= this.#options.clock.after(wait, () => {
      this.#cancel = undefined;
      const left = this.#wait();
      if (left === 0) this.flush();
      else this.#watch(left);
    });
  }

  /** Milliseconds until the oldest is due. */
  #wait(): number | undefined {
    const { clock, patience } = this.#options;
    for (const { since, leaving } of this.#waiting.values())
      if (!leaving) return Math.max(0, since + patience - clock.monotonic());
    return undefined;
  }
}
