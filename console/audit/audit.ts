import type { Clock } from "#shared/clock";
import { asError, EnvironmentError } from "#shared/errors";
import { Signal } from "#shared/signal";
import { isLocked, isRefusedWrite, transaction, type Database } from "../database/database.ts";
import { persistOf } from "../database/persist.ts";
import { begun, columns, entryOf, nothingBefore, parseEntry, type AuditEntry, type AuditEvent } from "./entry.ts";
import { byItself } from "./thinned-section.ts";
import { forkedWord, maxAuditEntries, maxOlderEntries, Thinning, type AuditBounds } from "./thinning.ts";

/** Where the log ends. */
export type AuditHead = Pick<AuditEntry, "n" | "hash">;

export interface AuditOptions extends Partial<AuditBounds> {
  readonly database: Database;
  readonly clock: Pick<Clock, "now">;
}

/**
 * The audit log: who did what, when, from where, on what, with what result. Appended to and never changed; each entry carries the SHA-256 of the one
 * before. A table of `muster.db`, and no file of its own, because what is audited is a row there: both are in one transaction, or the
 * one is committed before the other, and one sync of the one log makes both last. So an entry costs no wait for the disk of its own, several
 * processes (a console, `muster enroll` beside it) append to one chain under SQLite's lock, a torn tail is SQLite's to mend, and a
 * copy of the database has the log that belongs to it.
 */
export class Audit {
  /** This process has written one, which may not be on the disk yet, nor committed. */
  readonly written: Signal<void>;
  readonly #options: Pick<AuditOptions, "database" | "clock">;
  readonly #thinning: Thinning;
  readonly #insert;
  readonly #insertBehind;
  readonly #last;
  /** The last entry that this process has written, and the first that was not looked through by then: the log may have gone on without them. */
  #known: AuditHead | undefined;
  #next: number | undefined;
  #hasWritten = false;
  /** Entries that were noted, by which each has a name while it waits. */
  #notes = 0;
  /** Entries that the disk did not take, and of which nothing is written yet. */
  #refused = 0;

  constructor(
    { most = maxAuditEntries, older = maxOlderEntries, ...options }: AuditOptions,
    failed?: (thrown: unknown) => void,
  ) {
    this.#options = options;
    this.#thinning = new Thinning(options.database, { most, older });
    this.written = new Signal(failed);
    const { database } = options;
    const insert = "INSERT INTO audit (n, ts, who, source, what, object, result, detail, prev, hash)";
    this.#insert = database.prepare(`${insert} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#insertBehind = database.prepare(
      `${insert} SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
       WHERE (SELECT n || ' ' || hash FROM audit ORDER BY n DESC LIMIT 1) = ?`,
    );
    this.#last = database.prepare(`SELECT ${columns} FROM audit ORDER BY n DESC LIMIT 1`);
  }

  /** Whether this process has written an entry. */
  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  /**
   * Writes an entry: committed when this returns, alone or with the transaction that is open. On the disk with the next sync of the database, which
   * whoever tells of the act waits for anyway.
   * @throws Error of the database where it does not take it: then the act must not be done. That is told, and written down when there is room
   */
  record(event: AuditEvent): AuditEntry {
    try {
      return this.#write(event);
    } catch (thrown) {
      if (isRefusedWrite(thrown) && !isLocked(thrown)) this.#couldNot(event);
      throw thrown;
    }
  }

  /**
   * Does `write`, which changes rows and nothing else, and writes the entry: both in one transaction, or neither.
   * @param isRepeated whether the same is tried again where the disk does not take it
   * @throws what `write` throws; Error of the database
   */
  along<T>(event: AuditEvent, write: () => T, isRepeated = false): T {
    const { database } = this.#options;
    if (database.isTransaction) return this.#both(event, write);
    try {
      return transaction(database, () => this.#both(event, write));
    } catch (thrown) {
      if (!isRepeated && isRefusedWrite(thrown) && !isLocked(thrown)) this.#couldNot(event);
      throw thrown;
    }
  }

  /**
   * Writes that it is begun, then does what it tells of, and writes what became of it. In this order, because what cannot be
   * audited is not to be done; and what a kill has cut off, the log has as begun.
   * @throws EnvironmentError where the entry cannot be written; what `work` throws
   */
  async around<T>(event: AuditEvent, work: () => T | Promise<T>): Promise<T> {
    const { n: entry } = this.demand({ ...event, result: begun });
    const end = (result: string): void => this.note({ ...event, result, detail: { ...event.detail, entry } });
    try {
      const done = await work();
      end("ok");
      return done;
    } catch (thrown) {
      // Another process's lock: the same is tried again by whoever has called.
      end(`failed: ${asError(thrown).message}`);
      throw thrown;
    }
  }

  /** Writes an entry for somebody who is told where that fails. @throws EnvironmentError with a sentence; Error of the database for a lock, which passes */
  demand(event: AuditEvent): AuditEntry {
    return told(() => this.record(event));
  }

  /** {@link along}, for somebody who is told where it fails. @throws what `write` throws; as {@link demand} */
  alongDemanded<T>(event: AuditEvent, write: () => T): T {
    return told(() => this.along(event, write));
  }

  /** Writes an entry of what has happened already, now or as soon as the disk takes it. */
  note(event: AuditEvent): void {
    const { database } = this.#options;
    this.#notes += 1;
    persistOf(database).write(`audit entry ${this.#notes}`, () => void this.#write(event));
  }

  /**
   * Goes on behind `known`, which was kept elsewhere and is not in the log: it was put back to a copy, or its end cut off. The numbers between
   * stay free, so that no two entries ever have the same, and the entry says what is missing.
   * @throws Error of the database
   */
  fork(known: AuditHead, why: string): AuditEntry {
    const { database } = this.#options;
    return transaction(database, () => {
      const before = this.#before();
      const n = Math.max(known.n, before.n);
      const detail = { after: before.n, lost: known.hash, why };
      const event = { ...byItself, what: forkedWord, result: "refused", detail };
      return this.#put(event, { n, hash: before.hash });
    });
  }

  /** The last entry's place; undefined in an empty log. @throws Error where it does not read */
  head(): AuditHead | undefined {
    const row = this.#last.get();
    if (row === undefined) return undefined;
    const { n, hash } = parseEntry(row as Record<string, unknown>);
    return { n, hash };
  }

  #write(event: AuditEvent): AuditEntry {
    const { database } = this.#options;
    const append = (): AuditEntry => this.#append(event);
    const entry = database.isTransaction ? append() : transaction(database, append);
    this.#tell();
    return entry;
  }

  #both<T>(event: AuditEvent, write: () => T): T {
    const result = write();
    this.#append(event);
    this.#tell();
    return result;
  }

  #tell(): void {
    this.#hasWritten = true;
    this.written.emit();
  }

  #append(event: AuditEvent): AuditEntry {
    const entry = this.#putBehindKnown(event) ?? this.#put(event, this.#before());
    if (this.#next === undefined || this.#thinning.isDue(entry.n, this.#next)) this.#thin(entry);
    return entry;
  }

  /**
   * In one statement, which writes nothing where the log does not end as this process knows: another one has written, or what was written here
   * was rolled back. Then its end is read, as for the first entry.
   */
  #putBehindKnown(event: AuditEvent): AuditEntry | undefined {
    const before = this.#known;
    if (!before) return undefined;
    const entry = this.#entryBehind(before, event);
    const { changes } = this.#insertBehind.run(...valuesOf(entry), `${before.n} ${before.hash}`);
    this.#known = changes === 1 ? { n: entry.n, hash: entry.hash } : undefined;
    if (this.#known) return entry;
    this.#next = undefined;
    return undefined;
  }

  #put(event: AuditEvent, before: AuditHead): AuditEntry {
    const entry = this.#entryBehind(before, event);
    this.#insert.run(...valuesOf(entry));
    this.#known = { n: entry.n, hash: entry.hash };
    return entry;
  }

  #entryBehind({ n, hash }: AuditHead, event: AuditEvent): AuditEntry {
    return entryOf(event, { n: n + 1, ts: Math.round(this.#options.clock.now()), prev: hash });
  }

  /** A row that does not read is no reason to write nothing more: the chain goes on behind it, and whoever verifies it finds the place. */
  #before(): AuditHead {
    try {
      return this.head() ?? { n: 0, hash: nothingBefore };
    } catch {
      const { n } = (this.#last.get() as { n: number } | undefined) ?? { n: 0 };
      return { n, hash: nothingBefore };
    }
  }

  /** Behind its newest part the log keeps what is rare, or was refused, and says what has gone. */
  #thin(last: AuditHead): void {
    // Since it was known, another process may have been at it.
    const next = (this.#next = this.#thinning.next() ?? last.n);
    if (!this.#thinning.isDue(last.n, next)) return;
    this.#next = undefined;
    let before = last;
    for (const event of this.#thinning.thin(next)) before = this.#put(event, before);
  }

  /** Kept with what else waits for the disk, which is told on the page, on /healthz and in the log until there is room. */
  #couldNot({ what: last }: AuditEvent): void {
    this.#refused += 1;
    persistOf(this.#options.database).write("audit: what was refused", () => {
      const detail = { times: this.#refused, last };
      this.#write({ ...byItself, what: "audit.refused", result: "refused", detail });
      this.#refused = 0;
    });
  }
}

/** In the order of the table's columns. */
function valuesOf({ n, ts, who, from, what, on, result, detail, prev, hash }: AuditEntry) {
  return [n, ts, who, from, what, on, result, detail, prev, hash] as const;
}

/** A disk that takes no entry, in a sentence. */
function told<T>(write: () => T): T {
  try {
    return write();
  } catch (thrown) {
    if (isLocked(thrown) || !isRefusedWrite(thrown)) throw thrown;
    throw new EnvironmentError(
      `it was not done, because it could not be written to the audit log: the console's own disk takes no writes (${asError(thrown).message}); make room on it, and try again`,
      { cause: thrown },
    );
  }
}
