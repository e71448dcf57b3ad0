import type { DeviceId } from "#shared/ids";
import type { OutboxProgress } from "./outbox-progress.ts";
import type { LedgerRows } from "./ledger-rows.ts";

export interface ProgressCacheOptions {
  readonly rows: LedgerRows;
  /** Whether it has something that its row has not: such a one stays. */
  readonly isBusy: (progress: OutboxProgress) => boolean;
}

/** Outboxes in memory at most, some 400 bytes each; the others are read again when they are heard. */
const maxInMemory = 20_000;

/** The progress of the outboxes in use, read from its rows when it is asked for. */
export class ProgressCache {
  readonly #options: ProgressCacheOptions;
  /** The one that was asked for longest ago first. */
  readonly #cached = new Map<string, OutboxProgress>();
  /** The one that was asked for last: one batch asks several times. */
  #last: OutboxProgress | undefined;

  constructor(options: ProgressCacheOptions) {
    this.#options = options;
  }

  get(device: DeviceId, outbox: string): OutboxProgress | undefined {
    if (this.#last?.device === device && this.#last.outbox === outbox) return this.#last;
    const name = key(device, outbox);
    const known = this.#cached.get(name);
    if (known) {
      this.#cached.delete(name);
      this.#cached.set(name, known);
      return (this.#last = known);
    }
    const row = this.#options.rows.outbox(device, outbox);
    if (!row) return undefined;
    // What the store has lost stands in the row alone.
    const { lost: _, ...kept } = row;
    return this.add({ ...kept, writing: [] });
  }

  add(progress: OutboxProgress): OutboxProgress {
    this.#last = progress;
    this.#cached.set(key(progress.device, progress.outbox), progress);
    for (const [name, old] of this.#cached) {
      if (this.#cached.size <= maxInMemory) break;
      if (old !== progress && !this.#options.isBusy(old)) this.#cached.delete(name);
    }
    return progress;
  }

  /** Whether it is in memory with something that its row has not. */
  isBusy(device: DeviceId, outbox: string): boolean {
    const progress = this.#cached.get(key(device, outbox));
    return progress !== undefined && this.#options.isBusy(progress);
  }

  drop(device: DeviceId, outbox: string): void {
    this.#last = undefined;
    this.#cached.delete(key(device, outbox));
  }

  /** Of all outboxes of one device. */
  dropAll(device: DeviceId): void {
    this.#last = undefined;
    for (const [name, progress] of this.#cached) if (progress.device === device) this.#cached.delete(name);
  }
}

function key(device: DeviceId, outbox: string): string {
  return `${device} ${outbox}`;
}
