import type { Clock } from "#shared/clock";
import { isRefusedWrite } from "../database/database.ts";
import { isQuick, portionsOf } from "./portions.ts";
import type { SeriesColumns, WriteOutcome } from "./store.ts";

type Rejected = WriteOutcome["rejected"];

export interface WriteTurnsOptions {
  readonly clock: Clock;
  /** Does `work` in one transaction; twice, where the file was damaged and another one has taken its place. @throws where it was not written */
  readonly transaction: (work: () => void) => void;
  /** Within it. @returns what will never be taken */
  readonly write: (series: readonly SeriesColumns[]) => Rejected;
  /** Resolves once what was committed is on the disk. */
  readonly synced: () => Promise<void>;
  /** What those are told whose write has failed. */
  readonly failed: (cause: unknown) => Error;
  readonly worked: () => void;
  /** Called after each commit: until it has resolved the others wait, in memory. */
  readonly rest?: () => Promise<void> | undefined;
}

/**
 * Milliseconds of writing in one turn of the event loop, after which the portion that is begun is finished: with the commit and what else a
 * turn does it stays below the 50 ms that anything may hold the loop.
 */
export const maxWriteTurn = 15;
/** Writes that are committed and wait for the disk: what the ledger writes of them, and their acks, fall into one turn. */
export const maxUnsynced = 1_000;

interface Writing {
  readonly portions: readonly (readonly SeriesColumns[])[];
  /** How many portions of it are committed. */
  at: number;
  readonly rejected: Rejected[number][];
  readonly resolve: (outcome: WriteOutcome) => void;
  readonly reject: (error: Error) => void;
}

/** One portion, in a transaction. */
interface Part {
  readonly writing: Writing;
  readonly series: readonly SeriesColumns[];
  rejected: Rejected;
}

/**
 * The writes of many callers, in their order: in each turn of the event loop as many as there is time for, in one transaction. How much may
 * wait here is the callers' to bound: what devices send, by `console/ingest/waiting-room.ts`.
 */
export class WriteTurns {
  readonly #options: WriteTurnsOptions;
  readonly #waiting: Writing[] = [];
  #unsynced = 0;
  /** The first so many go one by one: together they have failed, and one of them alone may be the reason. */
  #alone = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #resting = false;

  constructor(options: WriteTurnsOptions) {
    this.#options = options;
  }

  /** Resolves once all of it is on the disk. Should a part fail, all comes again: writing a sample twice is harmless. */
  add(series: readonly SeriesColumns[]): Promise<WriteOutcome> {
    return new Promise((resolve, reject) => {
      const portions = isQuick(series) ? [series] : [...portionsOf(series)];
      this.#waiting.push({ portions, at: 0, rejected: [], resolve, reject });
      this.#soon();
    });
  }

  /** Commits all that waits, however long that takes; resolves when it is on the disk, or cannot be. */
  async finish(): Promise<void> {
    while (this.#waiting.length > 0) this.#turn(Infinity, Infinity);
    this.#cancel();
    await this.#options.synced().catch(() => {});
  }

  #soon(): void {
    const room = maxUnsynced - this.#unsynced;
    if (this.#waiting.length > 0 && room > 0 && !this.#resting)
      this.#scheduled ??= setImmediate(() => this.#turn(maxWriteTurn, maxUnsynced - this.#unsynced));
  }

  #cancel(): void {
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
  }

  #turn(time: number, most: number): void {
    this.#cancel();
    const { transaction, write, failed } = this.#options;
    const parts: Part[] = [];
    let begun = false;
    try {
      transaction(() => {
        for (const part of parts) part.rejected = write(part.series);
        if (!begun) this.#write(parts, time, this.#alone > 0 ? 1 : most);
        begun = true;
      });
    } catch (thrown) {
      this.#refused(parts, isRefusedWrite(thrown) || parts.length === 0, failed(thrown));
      return this.#soon();
    }
    this.#committed(parts);
    this.#rest();
    this.#soon();
  }

  #rest(): void {
    const rest = this.#resting ? undefined : this.#options.rest?.();
    if (!rest) return;
    this.#resting = true;
    void rest.then(() => {
      this.#resting = false;
      this.#soon();
    });
  }

  /** For so long, and at least one portion. @param parts gets what is written, and what is about to be */
  #write(parts: Part[], time: number, most: number): void {
    const { clock, write } = this.#options;
    const until = clock.monotonic() + time;
    for (const writing of this.#waiting.slice(0, most)) {
      for (const series of writing.portions.slice(writing.at)) {
        if (parts.length > 0 && clock.monotonic() >= until) return;
        const part: Part = { writing, series, rejected: [] };
        parts.push(part);
        part.rejected = write(series);
      }
    }
  }

  #committed(parts: readonly Part[]): void {
    for (const { writing, rejected } of parts) {
      writing.at += 1;
      writing.rejected.push(...rejected);
    }
    const open = this.#waiting.findIndex(({ at, portions }) => at < portions.length);
    const done = this.#waiting.splice(0, open < 0 ? this.#waiting.length : open);
    if (done.length === 0) return;
    this.#alone = Math.max(0, this.#alone - done.length);
    this.#unsynced += done.length;
    void this.#sync(done);
  }

  async #sync(done: readonly Writing[]): Promise<void> {
    const { synced, worked, failed } = this.#options;
    try {
      await synced();
      worked();
      for (const { resolve, rejected } of done) resolve({ rejected });
    } catch (thrown) {
      const error = failed(thrown);
      for (const { reject } of done) reject(error);
    }
    this.#unsynced -= done.length;
    this.#soon();
  }

  /** @param all whether it is nobody's samples, but the store: then it has as little room for others */
  #refused(parts: readonly Part[], all: boolean, error: Error): void {
    const tried = new Set(parts.map(({ writing }) => writing)).size;
    if (!all && tried > 1) {
      this.#alone = tried;
      return;
    }
    this.#alone = Math.max(0, this.#alone - 1);
    for (const { reject } of this.#waiting.splice(0, all ? this.#waiting.length : 1)) reject(error);
  }
}
