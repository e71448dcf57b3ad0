import { systemClock, type Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import { silentLog, type Log } from "#shared/log";
import { damageOf } from "./damage.ts";
import { isDamage, isRefusedWrite, type Database } from "./database.ts";
import { syncOf, type GroupSync } from "./group-sync.ts";

/** Milliseconds until what the disk refused is tried again. */
export const retryAfter = 1_000;
/** Writes that are made up for in one turn of the event loop: some 10 ms. */
export const atOnce = 200;
/** Writes that wait for the disk at most, one for each command, device and row of a job: a full disk lasts, and memory does not. */
export const maxWaitingWrites = 50_000;

/** Whether rows reach the disk, and how many wait for it. */
export interface RowsHealth {
  readonly ok: boolean;
  readonly problem?: string;
  /** Epoch ms. */
  readonly since?: number;
  readonly waiting: number;
}

/**
 * The one way from a timer, or from an event that nobody waits for, to a row. What the disk refuses (it is full, or another process
 * has the lock) is kept in memory and tried again every second, in its order, so that it heals by itself; it is told once, and told when
 * it works again. Whatever is said to others about a row waits for {@link durable}; what must be said in time asks {@link tried}.
 */
export class Persist {
  readonly #database: Database;
  readonly #sync: GroupSync;
  readonly #clock: Clock;
  readonly #log: Log;
  /** By name: of one thing only the newest state is written. */
  readonly #waiting = new Map<string, () => void>();
  #listeners: (() => void)[] = [];
  #problem: { readonly problem: string; readonly since: number } | undefined;
  #cancelRetry: (() => void) | undefined;
  #portion: NodeJS.Immediate | undefined;
  #stopped = false;
  #reindexed = false;

  constructor(database: Database, clock: Clock, log: Log) {
    this.#database = database;
    this.#sync = syncOf(database);
    this.#clock = clock;
    this.#log = log;
    known.set(database, this);
  }

  get health(): RowsHealth {
    return { ok: this.#problem === undefined, ...this.#problem, waiting: this.#waiting.size };
  }

  /**
   * Writes now, or as soon as the disk takes it. A later write of the same name takes the place of one that waits. What a damaged page
   * keeps from being written is noted as damage, and holds up nothing else.
   * @throws Error what `run` throws for another reason, and where too much waits already
   */
  write(name: string, run: () => void): void {
    if (this.#waiting.size > 0) return this.#keep(name, run);
    try {
      this.#mending(run);
    } catch (thrown) {
      if (isDamage(thrown)) return this.#noteDamage(name, asError(thrown));
      if (!isRefusedWrite(thrown)) throw thrown;
      this.#keep(name, run);
      this.#refused(asError(thrown));
    }
  }

  /** Writes now or not at all, for somebody who is told so: what waits of the same names is older, and dropped. @throws Error what `run` throws */
  demand(run: () => void, ...names: readonly string[]): void {
    this.#mending(run);
    for (const name of names) this.#waiting.delete(name);
  }

  /** Resolves once what was committed before is on the disk. @throws EnvironmentError when the disk refuses */
  synced(): Promise<void> {
    return this.#sync.synced();
  }

  /** Whether everything that was written before is on the disk now; false as soon as the disk refuses. */
  async tried(): Promise<boolean> {
    if (this.#waiting.size > 0) return false;
    try {
      await this.#sync.synced();
      return true;
    } catch (thrown) {
      this.#refused(asError(thrown));
      return false;
    }
  }

  /** Resolves once everything that was written before is on the disk, however long that takes; never where the console stops before. */
  async durable(): Promise<void> {
    while (!(await this.tried())) await new Promise<void>((resolve) => this.#listeners.push(resolve));
  }

  /** Tries once more. What the disk does not take even now is lost with this process: agents repeat their replies, and timers run anew. */
  stop(): void {
    this.#cancel();
    this.#stopped = true;
    this.#flush(Number.POSITIVE_INFINITY);
    this.#listeners = [];
    if (this.#waiting.size > 0)
      this.#log.error({ waiting: this.#waiting.size }, "what the console's disk did not take is lost with this run");
    this.#waiting.clear();
  }

  /**
   * A flipped bit in an index lets no row of its be changed, and the look at each start sees none: made anew, once in a run, for it
   * takes a while. (SQLite has rolled `run` back.)
   */
  #mending(run: () => void): void {
    try {
      run();
    } catch (thrown) {
      if (!isDamage(thrown) || this.#reindexed || this.#database.isTransaction) throw thrown;
      this.#reindexed = true;
      this.#database.exec("REINDEX");
      this.#log.warn(
        { err: asError(thrown) },
        "an index of the console's database was damaged, and all were made anew",
      );
      run();
    }
  }

  #noteDamage(name: string, { message }: Error): void {
    const why = `it could not be written (${message}), and lives on in memory alone: stop Muster, and muster doctor --mend`;
    damageOf(this.#database).note("muster.db", name, why);
  }

  #keep(name: string, run: () => void): void {
    if (this.#waiting.size >= maxWaitingWrites && !this.#waiting.has(name))
      throw new Error(`${maxWaitingWrites} rows wait for the console's disk already: ${name} is not kept`);
    this.#waiting.set(name, run);
  }

  #flush(most: number): void {
    let left = most;
    for (const [name, run] of this.#waiting) {
      if (left-- <= 0) return void (this.#portion = setImmediate(() => this.#flush(most)));
      try {
        this.#mending(run);
      } catch (thrown) {
        if (isRefusedWrite(thrown)) return this.#refused(asError(thrown));
        // One row that can never be written must not keep the others.
        if (isDamage(thrown)) this.#noteDamage(name, asError(thrown));
        else
          this.#log.error(
            { err: asError(thrown), name },
            "a row could not be written, and is given up: a fault of Muster's",
          );
      }
      this.#waiting.delete(name);
    }
    // What a disk takes it may still not bring to its plates.
    if (this.#problem && !this.#stopped)
      this.tried().then(
        (durable) => durable && this.#works(),
        () => {},
      );
  }

  #refused(error: Error): void {
    if (this.#stopped) return;
    if (!this.#problem) {
      const problem = `the console's own disk takes no writes (${error.message}): make room on it; what has to be written is kept in memory and tried again every second`;
      this.#problem = { problem, since: Math.round(this.#clock.now()) };
      this.#log.error({ err: error }, problem);
    }
    this.#cancelRetry ??= this.#clock.after(retryAfter, () => {
      this.#cancelRetry = undefined;
      this.#flush(atOnce);
    });
  }

  #works(): void {
    if (this.#problem) this.#log.info({}, "the console's own disk takes writes again");
    this.#problem = undefined;
    for (const heard of this.#listeners.splice(0)) heard();
  }

  #cancel(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    if (this.#portion) clearImmediate(this.#portion);
    this.#portion = undefined;
  }
}

const known = new WeakMap<Database, Persist>();

/** Of the database that a part writes to. */
export function persistOf(database: Database): Persist {
  return known.get(database) ?? new Persist(database, systemClock, silentLog);
}
