import { close, fdatasync, fdatasyncSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { EnvironmentError } from "#shared/errors";
import { systemDisk } from "#disk/calls";
import { syncingDirectory } from "#disk/durable-file";
import { GroupCommit } from "#disk/group-commit";
import type { Database } from "./database.ts";

/** The system's calls, so that a test can have a disk that refuses them. */
export interface DiskCalls {
  readonly datasync: (descriptor: number, done: (error: NodeJS.ErrnoException | null) => void) => void;
  readonly directorySynced: (path: string) => Promise<void>;
}

const theDisk: DiskCalls = {
  datasync: fdatasync,
  directorySynced: (path) => systemDisk.soon(syncingDirectory(path)),
};

/** Those who wait for the same sync. */
interface Group {
  readonly promise: Promise<void>;
  readonly settle: (error?: Error) => void;
  /** Rows that the connection had changed, ever, when the sync began; NaN where a transaction was open, which proves nothing. */
  changes: number;
  /** What was wrong with the files meanwhile. */
  lost: string | undefined;
}

/**
 * Makes what is committed to one database durable, off the event loop: one `fdatasync` of its write-ahead log at a time, in the
 * thread pool. Who asks while one is on its way shares the next, so that a busy console syncs as often as its disk can, and no
 * more often than somebody asks.
 *
 * Why the log alone is enough, although SQLite moves pages from it into the database at moments of its own (`synchronous = NORMAL`):
 * - A checkpoint syncs the log before it writes the first page into the database, and the database once all of them are there. Only then may
 *   the log begin anew, and its new header (whose salt makes all older frames void) is synced before the first frame follows. So a
 *   commit is at each moment in a log that this sync makes durable, or in a database that SQLite has synced already; a checkpoint
 *   between commit and sync changes nothing.
 * - Frames carry a running checksum: what a power cut leaves of those after the last sync is a beginning, which SQLite takes up to
 *   its last whole commit, and never a hole.
 * - SQLite locks the database file and the shared memory with POSIX locks, which a process loses whenever it closes *any* descriptor of
 *   that file; never the log. Hence no other file of a database may be opened for this.
 *
 * A sync that has failed leaves the pages marked clean: another one would succeed and prove nothing. After a failure everything
 * is moved into the database, the log is cut to nothing, and both are synced, before anything counts as durable again.
 */
export class GroupSync {
  readonly #database: Database;
  readonly #disk: DiskCalls;
  readonly #path: string | undefined;
  /** The files that were opened, by their paths: the database's, and that of its log once it was. */
  readonly #opened = new Map<string, string | undefined>();
  readonly #changesOf: () => number;
  #descriptor: number | undefined;
  readonly #commit: GroupCommit<Group>;
  #running: Group | undefined;
  #next: Group | undefined;
  /** As {@link Group.changes}, of the last sync that succeeded. */
  #durable = Number.NaN;
  #failed = false;
  /** By the last look. */
  #isMisplaced = false;
  #closed: { readonly isDurable: boolean } | undefined;

  constructor(database: Database, disk: DiskCalls = theDisk) {
    this.#database = database;
    this.#disk = disk;
    const path = (this.#path = logOf(database));
    this.#commit = new GroupCommit({
      write: async ([group]) => {
        if (path !== undefined && group) await this.#sync(path, group);
      },
      landed: ([group]) => group && this.#ended(group),
      failed: ([group], why) => group && this.#ended(group, why),
    });
    const file = this.#path === undefined ? undefined : database.location();
    if (file) this.#opened.set(file, identityOf(file));
    const changes = database.prepare("SELECT total_changes() AS count");
    this.#changesOf = () => (changes.get() as { count: number }).count;
  }

  /**
   * Resolves once everything that was committed before this call is on the disk; at once where it is already.
   * @throws EnvironmentError when the disk refuses: then nobody may be told that it is safe, as after a write that failed
   */
  synced(): Promise<void> {
    if (this.#path === undefined) return done;
    if (this.#closed) return this.#closed.isDurable ? done : Promise.reject(this.#refusal(new Error("it was closed")));
    const changes = this.#changesOf();
    if (changes === this.#durable && !this.#isMisplaced) return done;
    if (this.#running?.changes === changes) return this.#running.promise;
    if (this.#next) return this.#next.promise;
    const group = (this.#next = newGroup());
    this.#commit.push(group);
    return group.promise;
  }

  /** Why nothing that is written to the files lasts, although the disk takes it: another file stands in the place of one, or none. */
  misplaced(): string | undefined {
    const [path] = [...this.#opened].find(([file, identity]) => identityOf(file) !== identity) ?? [];
    this.#isMisplaced = path !== undefined;
    return path === undefined
      ? undefined
      : `${path} was removed or replaced while Muster ran: put it back in its place, or stop Muster and start it again`;
  }

  /** Lets go of the log. @param isDurable whether all that was committed is in the database, and synced: those who wait are told so */
  close(isDurable: boolean): void {
    if (this.#closed) return;
    // What a failed sync has left of the log must not come back over what stands in the database by now.
    this.#closed = { isDurable: isDurable && this.misplaced() === undefined && (!this.#failed || this.#isCut()) };
    this.#next?.settle(this.#closed.isDurable ? undefined : this.#refusal(new Error("it was closed")));
    this.#next = undefined;
    if (!this.#running) this.#release();
  }

  async #sync(path: string, group: Group): Promise<void> {
    this.#running = group;
    this.#next = undefined;
    // Closed, they have been told already.
    if (this.#closed) return;
    if (this.#failed) this.#moveElsewhere();
    group.changes = this.#database.isTransaction ? Number.NaN : this.#changesOf();
    const descriptor = this.#descriptor ?? (await this.#first(path));
    await new Promise<void>((resolve, reject) => {
      this.#disk.datasync(descriptor, (error) => (error ? reject(error) : resolve()));
      // While the disk works.
      group.lost = this.misplaced();
    });
  }

  /** The entry of a new file is on the disk once its directory is: where that fails, it is asked for again. */
  async #first(path: string): Promise<number> {
    await this.#disk.directorySynced(dirname(path));
    this.#opened.set(path, identityOf(path));
    return (this.#descriptor = openSync(path, "r+"));
  }

  #ended(group: Group, error?: Error): void {
    this.#running = undefined;
    this.#failed = error !== undefined;
    this.#durable = error ? Number.NaN : group.changes;
    group.settle(error ? this.#refusal(error) : this.#lostIn(group));
    if (this.#closed) this.#release();
  }

  /** @throws Error where not all of it could be moved, because the disk refuses that too, or somebody reads or writes */
  #moveElsewhere(): void {
    if (!emptyLog(this.#database)) throw new Error("the log is in use, and cannot be written anew yet");
  }

  /** What was synced is in a file that nobody will find. */
  #lostIn({ lost }: Group): Error | undefined {
    if (lost === undefined) return undefined;
    this.#durable = Number.NaN;
    return new EnvironmentError(lost);
  }

  #isCut(): boolean {
    try {
      if (this.#descriptor !== undefined) fdatasyncSync(this.#descriptor);
      return true;
    } catch {
      return false;
    }
  }

  #release(): void {
    if (this.#descriptor !== undefined) close(this.#descriptor, () => {});
    this.#descriptor = undefined;
  }

  #refusal(cause: Error): EnvironmentError {
    return new EnvironmentError(
      `what was written to ${this.#path} could not be brought onto the disk: ${cause.message}; look after the disk`,
      { cause },
    );
  }
}

const done = Promise.resolve();
const syncs = new WeakMap<Database, GroupSync>();

/** The one of this connection, made when it is asked for. A database without a log syncs each commit by itself. */
export function syncOf(database: Database): GroupSync {
  let sync = syncs.get(database);
  if (!sync) syncs.set(database, (sync = new GroupSync(database)));
  return sync;
}

/**
 * Closes a database so that everything is in its one file: the connection itself may live on until its statements are collected, and
 * would leave the log as it is. Where the log cannot be emptied, because another connection reads, it stays for the next start.
 */
export function closeDatabase(database: Database): void {
  if (!database.isOpen) return;
  const isDurable = emptyLog(database);
  syncs.get(database)?.close(isDurable);
  database.close();
}

/** Closes a database whose file is damaged, and will be another one's: those who wait for its sync are told that it failed. */
export function dropDatabase(database: Database): void {
  syncs.get(database)?.close(false);
  database.close();
}

/** Milliseconds that the log's other users are waited for, while the event loop stands: nobody of ours reads or writes longer. */
const patience = 200;

/**
 * Moves all of the log into the database, syncs that, and cuts the log to nothing.
 * @returns whether that was done; not where the disk refuses, or another connection is in the middle of something
 */
function emptyLog(database: Database): boolean {
  let timeout = 0;
  try {
    ({ timeout } = database.prepare("PRAGMA busy_timeout").get() as { timeout: number });
    database.exec(`PRAGMA busy_timeout = ${patience}`);
    const row = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() as { busy: number } | undefined;
    return row?.busy === 0;
  } catch {
    return false;
  } finally {
    database.exec(`PRAGMA busy_timeout = ${timeout}`);
  }
}

/** Which file stands there. One that is open keeps its number, also when it was removed. */
function identityOf(path: string): string | undefined {
  const there = statSync(path, { throwIfNoEntry: false });
  return there && `${there.dev} ${there.ino}`;
}

/** The path of the write-ahead log; undefined where there is none. */
function logOf(database: Database): string | undefined {
  const { journal_mode: mode } = database.prepare("PRAGMA journal_mode").get() as { journal_mode: string };
  const path = database.location();
  return mode === "wal" && path ? `${path}-wal` : undefined;
}

function newGroup(): Group {
  let settle: Group["settle"] = () => {};
  const promise = new Promise<void>((resolve, reject) => {
    settle = (error) => (error ? reject(error) : resolve());
  });
  return { promise, settle, changes: Number.NaN, lost: undefined };
}
