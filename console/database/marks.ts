import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Database } from "./database.ts";
import { syncOf } from "./group-sync.ts";
import { nextMark, writeMark, type Mark } from "./mark.ts";

export interface MarksOptions {
  /** The databases in use, by their files' names; undefined for one that is not open at the moment. */
  readonly databases: Readonly<Record<string, () => Database | undefined>>;
  /** The newest number that there was when the directory was opened. */
  readonly newest: number;
  /** Writes down beside the databases which number this run has begun with. */
  readonly note: (number: number) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Milliseconds between two marks: a copy of one file that is put back is noticed when it is older than two of them, or than the last start.
 * One costs a row and a sync in each database.
 */
export const markEvery = 600_000;
/** Marks at a start and at a stop: two, so that whatever was copied before is further behind than a kill can leave a file. */
const atEnds = 2;

/**
 * Marks the console's databases alike at each start and stop and every ten minutes between, one mark wholly, synced, before the next: a file that
 * is more than one behind was put back.
 */
export class Marks {
  readonly #options: MarksOptions;
  readonly #started: number;
  #number: number;
  /** The one that not all databases have yet. */
  #open: Mark | undefined;
  #busy: Promise<void> = Promise.resolve();
  #cancelTick: (() => void) | undefined;
  #noted = false;
  #stopped = false;

  constructor(options: MarksOptions) {
    this.#options = options;
    this.#number = options.newest;
    this.#started = options.newest + atEnds;
  }

  /** To be called when all databases are open. */
  start(): void {
    this.#busy = this.#markTwice();
    this.#tick();
  }

  /** Resolves when the one that is being made is made, or cannot be. */
  settled(): Promise<void> {
    return this.#busy;
  }

  /** Marks what is left; the databases may be closed then. */
  async stop(): Promise<void> {
    this.#cancelTick?.();
    await this.settled();
    await this.#markTwice();
    this.#stopped = true;
  }

  async #markTwice(): Promise<void> {
    for (let left = atEnds; left > 0; left -= 1) await this.#markAll();
  }

  #tick(): void {
    this.#cancelTick = this.#options.clock.after(markEvery, () => {
      this.#busy = this.#busy.then(() => this.#markAll());
      this.#tick();
    });
  }

  /** One that the disk does not take everywhere is gone on with the next time, before there is another. */
  async #markAll(): Promise<void> {
    const { clock, log } = this.#options;
    if (this.#stopped) return;
    const open = this.#databases();
    const files = open.map(([file]) => file);
    this.#open ??= nextMark(this.#number, { at: clock.now(), started: this.#started, files });
    const mark = { ...this.#open, files };
    try {
      for (const [, database] of open) writeMark(database, mark);
      await Promise.all(open.map(([, database]) => syncOf(database).synced()));
      this.#number = mark.number;
      this.#open = undefined;
      if (!this.#noted && this.#number >= this.#started) {
        this.#options.note(this.#started);
        this.#noted = true;
      }
    } catch (thrown) {
      const message = "the databases could not all be marked: one that is put back to an older copy may not be noticed";
      if (!this.#stopped) log.warn({ err: asError(thrown) }, message);
    }
  }

  #databases(): (readonly [string, Database])[] {
    return Object.entries(this.#options.databases).flatMap(([file, of]) => {
      const database = of();
      // One whose file is gone must not keep the others from their marks.
      const isThere = database?.isOpen && syncOf(database).misplaced() === undefined;
      return isThere ? [[file, database] as const] : [];
    });
  }
}
