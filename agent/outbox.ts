import { encode } from "#shared/codec";
import type { Ack, Batch } from "#shared/messages/metrics";
import type { Columns } from "./columns.ts";

/** A batch that the store does not have yet. */
export interface Entry {
  readonly outbox: string;
  readonly seq: number;
  /** The encoded batch, as it goes out. */
  readonly payload: Buffer;
}

export interface OutboxOptions {
  /** This outbox's id: acks for another one's batches change nothing here. */
  readonly id: string;
  /** What `mono` counts from. */
  readonly epoch: string;
  /** Payload bytes kept at most; the oldest batches are forced out beyond it. */
  readonly maxBytes: number;
}

/**
 * The agent's bounded queue of batches. Only the console's ack takes a batch out; what the bound forces out before is
 * counted, and told to the console with the next batch.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  /** In order of seq, since a Map keeps the order of insertion and nothing is inserted twice. */
  readonly #entries = new Map<number, Entry>();
  #seq = 0;
  #bytes = 0;
  #dropped: { from: number; to: number; why: string } | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get size(): { readonly batches: number; readonly bytes: number } {
    return { batches: this.#entries.size, bytes: this.#bytes };
  }

  /** Numbers a batch and keeps it. */
  append(columns: Columns): void {
    const seq = ++this.#seq;
    const batch: Batch = {
      v: 1,
      outbox: this.#options.id,
      seq,
      epoch: this.#options.epoch,
      ...columns,
      ...(this.#dropped ? { dropped: this.#dropped } : {}),
    };
    this.#dropped = undefined;
    const payload = encode(batch, "cbor");
    this.#entries.set(seq, { outbox: this.#options.id, seq, payload });
    this.#bytes += payload.length;
    for (const oldest of this.#entries.values()) {
      if (this.#bytes <= this.#options.maxBytes || oldest.seq === seq) break;
      this.#drop(oldest, `the outbox is full (${this.#options.maxBytes} bytes)`);
    }
  }

  /** Oldest first. */
  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** Lets go of what the store has. @returns how many batches left */
  ack(ack: Ack): number {
    if (ack.outbox !== this.#options.id) return 0;
    let left = 0;
    for (const [from, to] of ack.ranges) {
      for (let seq = from; seq <= Math.min(to, this.#seq); seq++) left += this.#remove(seq) ? 1 : 0;
    }
    return left;
  }

  /** Throws everything away, on request. @returns how many batches were lost by it */
  clear(why: string): number {
    const lost = this.#entries.size;
    for (const entry of this.#entries.values()) this.#drop(entry, why);
    return lost;
  }

  #drop(entry: Entry, why: string): void {
    this.#remove(entry.seq);
    this.#dropped = { from: this.#dropped?.from ?? entry.seq, to: entry.seq, why };
  }

  #remove(seq: number): boolean {
    const entry = this.#entries.get(seq);
    if (!entry) return false;
    this.#bytes -= entry.payload.length;
    return this.#entries.delete(seq);
  }
}
