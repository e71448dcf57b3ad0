import type { DeviceId } from "#shared/ids";
import type { OutboxProgress } from "./outbox-progress.ts";
import type { LedgerRows } from "./ledger-rows.ts";

export interface ProgressCacheOptions {
  readonly rows: LedgerRows;
  /** Whether the book has something that its row has not: such a one stays. */
  readonly isBusy: (book: OutboxProgress) => boolean;
}

/** Books in memory at most, some 400 bytes each; the others are read again when they are heard. */
const maxInMemory = 20_000;

/** The books in use, read from their rows when they are asked for. */
export class ProgressCache {
  readonly #options: ProgressCacheOptions;
  /** The one that was asked for longest ago first. */
  readonly #books = new Map<string, OutboxProgress>();
  /** The one that was asked for last: one batch asks several times. */
  #last: OutboxProgress | undefined;

  constructor(options: ProgressCacheOptions) {
    this.#options = options;
  }

  get(device: DeviceId, outbox: string): OutboxProgress | undefined {
    if (this.#last?.device === device && this.#last.outbox === outbox) return this.#last;
    const name = key(device, outbox);
    const known = this.#books.get(name);
    if (known) {
      this.#books.delete(name);
      this.#books.set(name, known);
      return (this.#last = known);
    }
    const row = this.#options.rows.outbox(device, outbox);
    if (!row) return undefined;
    // What the store has lost stands in the row alone.
    const { lost: _, ...kept } = row;
    return this.add({ ...kept, writing: [] });
  }

  add(book: OutboxProgress): OutboxProgress {
    this.#last = book;
    this.#books.set(key(book.device, book.outbox), book);
    for (const [name, old] of this.#books) {
      if (this.#books.size <= maxInMemory) break;
      if (old !== book && !this.#options.isBusy(old)) this.#books.delete(name);
    }
    return book;
  }

  /** Whether the book is in memory with something that its row has not. */
  isBusy(device: DeviceId, outbox: string): boolean {
    const book = this.#books.get(key(device, outbox));
    return book !== undefined && this.#options.isBusy(book);
  }

  drop(device: DeviceId, outbox: string): void {
    this.#last = undefined;
    this.#books.delete(key(device, outbox));
  }

  /** All books of one device. */
  dropAll(device: DeviceId): void {
    this.#last = undefined;
    for (const [name, book] of this.#books) if (book.device === device) this.#books.delete(name);
  }
}

function key(device: DeviceId, outbox: string): string {
  return `${device} ${outbox}`;
}
