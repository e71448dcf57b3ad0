import { counted } from "#shared/counted";
import type { Clock } from "#shared/clock";
import { asError, BadInputError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Damage } from "../../database/damage.ts";
import { isDamage, transaction, type Database } from "../../database/database.ts";
import { closeDatabase, dropDatabase, syncOf } from "../../database/group-sync.ts";
import { mend, openMended, type MendOptions } from "../../database/mend.ts";
import { prepare, sizeOf, spoolSchema, type SpooledMessage, type SpoolRow, type Statements } from "./spool-rows.ts";
import { SpoolTrouble } from "./spool-trouble.ts";

export interface SpoolOptions {
  /** The SQLite file. */
  readonly path: string;
  /** Bytes of messages that it holds at most. */
  readonly limit: number;
  readonly clock: Pick<Clock, "now" | "after">;
  readonly log: Log;
  readonly damage?: Pick<Damage, "note" | "noteFile">;
}

/** How full it is. */
export interface SpoolState {
  readonly rows: number;
  readonly bytes: number;
  readonly limit: number;
  /** Messages that were turned away because it was full or could not be written. */
  readonly refused: number;
  /** Why it cannot be written at the moment, as a sentence. */
  readonly problem?: string;
}

/** Pages given back at a time when it has run empty. */
const pages = 500;

interface Opened {
  readonly database: Database;
  readonly statements: Statements;
}

interface Waiting {
  readonly row: SpoolRow;
  readonly resolve: (id: number) => void;
  readonly reject: (error: Error) => void;
}

/** Nothing is wrong with the message: there is no room for it now. */
export class NoRoomError extends BadInputError {}

/**
 * Messages of senders that keep nothing themselves, on disk until the store has them. What was added is here after a
 * kill of the process, and after a power cut. When it is full, new messages are refused and those in it stay: they were accepted, and that is
 * a promise, while the sender of a new one can be told. Additions and removals of one turn are one transaction each;
 * removals wait for no sync, because what comes back is written once more, which changes nothing.
 */
export class Spool {
  readonly #options: SpoolOptions;
  #open: Opened | undefined;
  #waiting: Waiting[] = [];
  /** In the file, and not yet sure to stay: nobody else is given them. */
  readonly #syncing = new Set<number>();
  /** Written, but still in the file. */
  readonly #done = new Map<number, number>();
  #scheduled: NodeJS.Immediate | undefined;
  #nextId = 1;
  #rows = 0;
  #bytes = 0;
  #refused = 0;
  readonly #trouble: SpoolTrouble;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#trouble = new SpoolTrouble({ ...options, database: () => this.database });
  }

  /** @throws EnvironmentError when the file cannot be used */
  start(): void {
    this.#begin(openMended(this.#mending));
  }

  /** Those in it were accepted, which is a promise: what reads of a damaged file is taken over. */
  get #mending(): MendOptions {
    const { path, clock, damage } = this.#options;
    return {
      path,
      migrations: spoolSchema,
      now: () => clock.now(),
      rescue: true,
      told: (file) => damage?.noteFile(file),
    };
  }

  #begin(database: Database): void {
    this.#open = { database, statements: prepare(database) };
    this.#dropDamaged(this.#open);
    const { count, bytes, last } = this.#open.statements.measure.get() as Record<string, number>;
    this.#rows = count ?? 0;
    this.#bytes = bytes ?? 0;
    this.#nextId = (last ?? 0) + 1;
  }

  /** A page that could be read when it was opened cannot be now. What waits in memory, and what is done, stays so. */
  #mendIfDamaged(thrown: unknown): void {
    if (!isDamage(thrown) || !this.#open) return;
    try {
      dropDatabase(this.#open.database);
      this.#open = undefined;
      this.#begin(mend(this.#mending, asError(thrown)));
    } catch (cause) {
      this.#trouble.failed(cause);
    }
  }

  /** A row of which not even the types are right would come again for ever. */
  #dropDamaged({ statements }: Opened): void {
    const { changes } = statements.dropDamaged.run();
    if (changes > 0) this.#options.damage?.note("spool.db", "messages", `${counted(changes, "message")} did not read`);
  }

  get database(): Database | undefined {
    return this.#open?.database;
  }

  /** Writes what waits, then lets go. */
  stop(): void {
    this.flush();
    this.#trouble.stop();
    if (this.#open) closeDatabase(this.#open.database);
    this.#open = undefined;
  }

  get state(): SpoolState {
    const { problem: why } = this.#trouble;
    const problem = why === undefined ? {} : { problem: why };
    return { rows: this.#rows, bytes: this.#bytes, limit: this.#options.limit, refused: this.#refused, ...problem };
  }

  /** The last moment of arrival that it has heard of, epoch ms. */
  get latest(): number {
    try {
      const { arrival } = (this.#open?.statements.latest.get() ?? {}) as { arrival?: number };
      return arrival ?? -Infinity;
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown;
      this.#mendIfDamaged(thrown);
      return -Infinity;
    }
  }

  /**
   * Resolves with the row's id once it is on disk.
   * @throws NoRoomError when there is no room for it; EnvironmentError when the file cannot be written
   */
  async add(message: SpooledMessage): Promise<number> {
    const size = sizeOf(message.payload);
    if (this.#bytes + size > this.#options.limit) {
      this.#refused += 1;
      throw new NoRoomError(
        `the spool is full (${counted(this.#rows, "message waits", "messages wait")} for the store): not taken, send it again later`,
      );
    }
    this.#rows += 1;
    this.#bytes += size;
    const row = { ...message, id: this.#nextId++ };
    return new Promise((resolve, reject) => {
      this.#waiting.push({ row, resolve, reject });
      this.#flushSoon();
    });
  }

  /** Lets go of rows that the store has, or will never take. */
  remove(rows: readonly { readonly id: number; readonly size: number }[]): void {
    for (const { id, size } of rows) this.#done.set(id, size);
    this.#flushSoon();
  }

  /** The oldest rows, at most so many and so many bytes (but one at least). @param skip ids that are on their way */
  oldest(most: { rows: number; bytes: number }, skip: { has(id: number): boolean }): readonly SpoolRow[] {
    try {
      return this.#oldest(most, skip);
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown;
      this.#mendIfDamaged(thrown);
      return [];
    }
  }

  #oldest(most: { rows: number; bytes: number }, skip: { has(id: number): boolean }): readonly SpoolRow[] {
    const found: SpoolRow[] = [];
    let bytes = 0;
    for (const row of this.#open?.statements.oldest.iterate() ?? []) {
      const { id, device, path, arrival, payload } = row as unknown as SpoolRow;
      if (skip.has(id) || this.#done.has(id) || this.#syncing.has(id)) continue;
      bytes += payload.length;
      if (found.length > 0 && bytes > most.bytes) break;
      found.push({ id, device, path, arrival, payload: Buffer.from(payload) });
      if (found.length >= most.rows) break;
    }
    return found;
  }

  flush(): void {
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (!this.#open) return;
    // Removals first: they make the room on a full disk that additions need.
    this.#flushRemovals(this.#open);
    if (this.#open) this.#flushAdditions(this.#open);
  }

  #flushSoon(): void {
    this.#scheduled ??= setImmediate(() => this.flush());
  }

  #flushAdditions({ database, statements }: Opened): void {
    const waiting = this.#waiting.splice(0);
    if (waiting.length === 0) return;
    try {
      transaction(database, () => {
        for (const { row } of waiting) statements.insert.run(row.id, row.device, row.path, row.arrival, row.payload);
        statements.keepLatest.run(waiting.reduce((latest, { row }) => Math.max(latest, row.arrival), 0));
      });
    } catch (cause) {
      const error = this.#trouble.failed(cause);
      this.#rows -= waiting.length;
      for (const { row, reject } of waiting) {
        this.#bytes -= sizeOf(row.payload);
        reject(error);
      }
      this.#mendIfDamaged(cause);
      return;
    }
    void this.#settleDurable(database, waiting);
  }

  async #settleDurable(database: Database, waiting: readonly Waiting[]): Promise<void> {
    for (const { row } of waiting) this.#syncing.add(row.id);
    let error: Error | undefined;
    try {
      await syncOf(database).synced();
      this.#trouble.over();
    } catch (cause) {
      error = this.#trouble.failed(cause);
      // Their senders are told that they were not taken.
      this.remove(waiting.map(({ row }) => ({ id: row.id, size: sizeOf(row.payload) })));
    }
    for (const { row, resolve, reject } of waiting) {
      this.#syncing.delete(row.id);
      if (error) reject(error);
      else resolve(row.id);
    }
  }

  #flushRemovals({ database, statements }: Opened): void {
    if (this.#done.size === 0) return;
    try {
      transaction(database, () => {
        for (const id of this.#done.keys()) statements.remove.run(id);
      });
      this.#rows -= this.#done.size;
      for (const size of this.#done.values()) this.#bytes -= size;
      this.#done.clear();
      if (this.#rows === 0) database.exec(`PRAGMA incremental_vacuum(${pages})`);
    } catch (cause) {
      // They stay marked as done, and go with a later flush.
      this.#trouble.failed(cause);
      this.#mendIfDamaged(cause);
    }
  }
}
