import type { Ack } from "#shared/messages/metrics";
import type { SimTally } from "./sim-tally.ts";

interface Lost {
  readonly from: number;
  readonly to: number;
  readonly samples: number;
}

/** A batch that the store does not have yet: not its bytes, but what they are made of. Times are of the monotonic clock. */
export interface BacklogBatch {
  readonly seq: number;
  /** The first instant, the time between two, and how many there are. */
  readonly from: number;
  readonly step: number;
  readonly count: number;
  /** Instead of samples: which batches were forced out. */
  gap?: Lost;
  /** When it is to be sent, the first time or again. */
  again: number;
  tries: number;
}

/** Batches on the way at most, and those kept at most: an hour's worth at 10 s. */
const limits = { window: 32, kept: 360 };
const ackTimeout = 10_000;
/** Milliseconds between two probes while the console's store takes no writes. */
const probeEvery = 30_000;

/** A device's outbox in memory: what is made stays until it is acknowledged, and the oldest go when there is too much. */
export class Backlog {
  readonly #tally: SimTally;
  readonly #entries: BacklogBatch[] = [];
  #seq = 0;

  constructor(tally: SimTally) {
    this.#tally = tally;
  }

  get size(): number {
    return this.#entries.length;
  }

  append(from: number, step: number, count: number): void {
    this.#push({ from, step, count });
    this.#tally.samples += count;
    if (this.#entries.length > limits.kept) this.#drop(from);
  }

  /** Takes out what the console has. */
  ack({ ranges }: Ack, now: number): void {
    const stored = (seq: number): boolean => ranges.some(([from, to]) => from <= seq && seq <= to);
    for (let at = this.#entries.length - 1; at >= 0; at--) {
      const entry = this.#entries[at]!;
      if (!stored(entry.seq)) continue;
      this.#entries.splice(at, 1);
      this.#tally.acknowledged(now - madeAt(entry), mayTake(entry));
    }
  }

  /** Nothing that was sent before is believed to have arrived: all of it may go again from `at` on. */
  forget(at: number): void {
    for (const entry of this.#entries) {
      entry.again = at;
      entry.tries = Math.min(entry.tries, 1);
    }
  }

  /**
   * What is to be sent now, oldest first, within the window; it counts as sent.
   * @param taking whether the console's store takes writes: while it does not, one batch now and then finds out
   */
  nextToSend(now: number, taking: boolean): BacklogBatch[] {
    const ready = this.#entries.slice(0, taking ? limits.window : 1).filter(({ again }) => again <= now);
    for (const entry of ready) {
      if (entry.tries === 0) this.#tally.sent += 1;
      else this.#tally.resent += 1;
      entry.again = now + (taking ? ackTimeout * 2 ** Math.min(entry.tries, 5) : probeEvery);
      entry.tries += 1;
    }
    return ready;
  }

  /** When {@link nextToSend} has something next. */
  next(taking: boolean): number {
    let next = Infinity;
    const among = Math.min(this.#entries.length, taking ? limits.window : 1);
    for (let at = 0; at < among; at++) next = Math.min(next, this.#entries[at]!.again);
    return next;
  }

  /** How many batches are late already at `now`, unacknowledged. */
  overdue(now: number): number {
    return this.#entries.filter((entry) => now - madeAt(entry) > mayTake(entry)).length;
  }

  /** The device ends, and takes nothing along. */
  abandon(now: number): void {
    this.#tally.late += this.overdue(now);
    this.#tally.abandoned += this.#entries.length;
    this.#entries.length = 0;
  }

  #push(content: Pick<BacklogBatch, "from" | "step" | "count" | "gap">): void {
    this.#entries.push({ ...content, seq: (this.#seq += 1), again: -Infinity, tries: 0 });
    this.#tally.batches += 1;
  }

  /** The oldest goes, and into a gap: the last one as long as nobody was told of it, else a new one at `now`. */
  #drop(now: number): void {
    const oldest = this.#entries.shift();
    if (!oldest) return;
    this.#tally.dropped += 1;
    const open = this.#entries.find(({ gap, tries }) => gap?.to === oldest.seq - 1 && tries === 0);
    // A gap that has become the oldest itself was never told: the new one says what it said.
    const { from, samples } = open?.gap ?? oldest.gap ?? { from: oldest.seq, samples: 0 };
    const gap = { from, to: oldest.seq, samples: samples + oldest.count };
    if (open) open.gap = gap;
    else this.#push({ from: now, step: 0, count: 0, gap });
  }
}

/** A batch is made with its last instant. */
function madeAt({ from, step, count }: BacklogBatch): number {
  return from + step * Math.max(0, count - 1);
}

/** One interval; to tell a gap there is no hurry. */
function mayTake({ step, count }: BacklogBatch): number {
  return count === 0 ? Infinity : step * count;
}
