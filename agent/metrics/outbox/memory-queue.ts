import type { Gap } from "#shared/messages/metrics";
import type { Columns } from "../to-columns.ts";
import { gapsToTell } from "./gap.ts";
import type { EpochClock } from "./epoch-clock.ts";
import type { BatchQueue } from "./batch-queue.ts";
import { batchRecord, gapRecord, messageOf, renamed, type AckRange, type Envelope, type Stored } from "./record.ts";

export interface MemoryQueueOptions {
  readonly id: string;
  readonly run: string;
  readonly placing: EpochClock;
  /** Payload bytes kept at most; the oldest batches are forced out beyond it. */
  readonly maxBytes: number;
  /** Batches that were forced out or thrown away. */
  readonly lost: (batches: number, gaps: number) => void;
  readonly ready: (queue: BatchQueue, seq: number) => void;
}

/** Batches where there is no disk, or while it takes no writes. They live as long as the process. */
export class MemoryQueue implements BatchQueue {
  readonly id: string;
  readonly #options: MemoryQueueOptions;
  /** In order of seq: a Map keeps the order of insertion. */
  readonly #waiting = new Map<number, Stored>();
  #seq = 0;
  #bytes = 0;

  constructor(options: MemoryQueueOptions) {
    this.id = options.id;
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get waitingBytes(): number {
    return this.#bytes;
  }

  get oldest(): number | undefined {
    for (const { mono } of this.#waiting.values()) return this.#time(mono);
    return undefined;
  }

  append(columns: Columns): boolean {
    const stored = batchRecord(this.#envelope(), columns, this.#options.placing.now().mono);
    if (!stored) return false;
    this.#add(stored);
    return true;
  }

  /** Takes over a batch of this epoch that another queue could not keep. */
  adopt(stored: Stored): void {
    this.#add(renamed(stored, this.#envelope()));
  }

  tell(gap: Gap): void {
    this.#add(gapRecord(this.#envelope(), { kind: "left", gap }, this.#options.placing.now()));
  }

  after(seq: number): number | undefined {
    const [oldest = Infinity] = this.#waiting.keys();
    for (let next = Math.max(seq + 1, oldest); next <= this.#seq; next++) if (this.#waiting.has(next)) return next;
    return undefined;
  }

  has(seq: number): boolean {
    return this.#waiting.has(seq);
  }

  read(seq: number, names = 0): Buffer | undefined {
    const { placing } = this.#options;
    const stored = this.#waiting.get(seq);
    const [first = seq] = this.#waiting.keys();
    return stored && messageOf(stored, { ...placing.departure(stored, placing.epoch), first }, names);
  }

  ack(ranges: readonly AckRange[]): number {
    let left = 0;
    for (const [from, to] of ranges) {
      const [oldest = Infinity] = this.#waiting.keys();
      for (let seq = Math.max(from, oldest); seq <= Math.min(to, this.#seq); seq++) left += this.#remove(seq) ? 1 : 0;
    }
    return left;
  }

  clear(why: string): number {
    const lost = this.#waiting.size;
    this.#forceOut(why, 0);
    return lost;
  }

  #add(stored: Stored): void {
    const { maxBytes, ready } = this.#options;
    const seq = ++this.#seq;
    // The encoder's bytes are part of a larger block that would stay as long as they do.
    this.#waiting.set(seq, { ...stored, batch: undefined, payload: Buffer.from(stored.payload) });
    this.#bytes += stored.payload.length;
    // Some more than needed, so that not each batch that comes makes a gap of its own.
    if (this.#bytes > maxBytes && seq > 1)
      this.#forceOut(`the agent's memory for batches is full (${maxBytes} bytes)`, (maxBytes * 15) / 16);
    if (this.#waiting.has(seq)) ready(this, seq);
  }

  /** Oldest first, until at most `room` bytes are left; a single batch stays whatever its size, unless room is 0. */
  #forceOut(why: string, room: number): void {
    const own: Gap[] = [];
    const carried: Gap[] = [];
    let lost = 0;
    for (const stored of this.#waiting.values()) {
      if (this.#bytes <= room || (room > 0 && stored.seq === this.#seq)) break;
      this.#remove(stored.seq);
      lost += 1;
      const since = this.#time(stored.mono);
      const { seq, samples, span } = stored;
      if (stored.gap) carried.push(stored.gap.gap);
      own.push({ from: seq, to: seq, samples, since, until: since + span, why });
    }
    if (lost === 0) return;
    const told = gapsToTell(own, carried);
    this.#options.lost(lost, told.length);
    for (const gap of told) this.tell(gap);
  }

  #remove(seq: number): boolean {
    const stored = this.#waiting.get(seq);
    if (!stored) return false;
    this.#bytes -= stored.payload.length;
    return this.#waiting.delete(seq);
  }

  #time(mono: number): number {
    return this.#options.placing.time(mono, this.#options.placing.epoch);
  }

  #envelope(): Envelope {
    return { outbox: this.id, run: this.#options.run, epoch: this.#options.placing.epoch, seq: this.#seq + 1 };
  }
}
