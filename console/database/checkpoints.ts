import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import type { CheckpointAnswer, CheckpointOrder } from "./checkpointer.ts";
import type { Database } from "./database.ts";
import { startThread } from "./own-thread.ts";

/** Pages in the log from which on they are moved into the database: SQLite's own number. */
export const minCheckpointPages = 1_000;
/** Pages in the log from which on SQLite moves them itself, in the middle of a commit, should the thread be behind: 64 MiB. */
export const maxLogPages = 16_384;

/**
 * Moves a database's write-ahead log into the database from a thread of its own. SQLite does so within a commit, where it holds the event loop
 * for as long as the disk takes for a thousand pages and two syncs: 50 to 150 ms, and more beside other writers.
 *
 * The log begins anew only where all of it was moved when the next commit comes. So who writes all the time is to hold its writes for
 * as long as {@link Checkpoints.run} takes; otherwise the log grows.
 */
export class Checkpoints {
  readonly #database: Database;
  readonly #path: string | undefined;
  readonly #size: () => { readonly log: number; readonly checkpointed: number };
  #worker: Worker | undefined;
  #running: Promise<void> | undefined;
  #isOff = false;

  constructor(database: Database) {
    this.#database = database;
    this.#path = database.location() ?? undefined;
    const size = database.prepare("PRAGMA wal_checkpoint(NOOP)");
    this.#size = () => size.get() as { log: number; checkpointed: number };
    if (this.#path !== undefined) database.exec(`PRAGMA wal_autocheckpoint = ${maxLogPages}`);
  }

  /** Moves what is in the log, where that is enough to be worth it. @returns resolves when that is done, or cannot be; undefined where there is nothing to do */
  run(): Promise<void> | undefined {
    if (this.#running) return this.#running;
    if (this.#isOff || this.#path === undefined) return undefined;
    const { log, checkpointed } = this.#size();
    if (log - checkpointed < minCheckpointPages) return undefined;
    this.#running = this.#run(this.#path)
      .catch(() => this.#leaveToSqlite())
      .finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Lets go of the file, once what is begun is done. */
  async stop(): Promise<void> {
    this.#isOff = true;
    await this.#running;
    const worker = this.#worker;
    this.#worker = undefined;
    if (!worker) return;
    worker.ref();
    const ended = once(worker, "exit");
    order(worker, "end");
    await ended;
  }

  async #run(path: string): Promise<void> {
    const worker = (this.#worker ??= this.#start(path));
    worker.ref();
    const told = new AbortController();
    try {
      const answer = once(worker, "message", told) as Promise<[CheckpointAnswer]>;
      const ended = once(worker, "exit", told).then(([code]) => {
        throw new Error(`its thread ended with ${code}`);
      });
      order(worker, "checkpoint");
      const [{ error }] = await Promise.race([answer, ended]);
      if (error !== undefined) throw new Error(error);
    } finally {
      told.abort();
      worker.unref();
    }
  }

  #start(path: string): Worker {
    const worker = startThread("checkpointer", new URL("./checkpointer.ts", import.meta.url), {
      workerData: path,
      name: "checkpoints",
    });
    // Without a listener it would end the process; that it has ended is told to who waits.
    worker.on("error", () => {});
    // One that ends between two checkpoints is asked no more: who asked it would wait for ever.
    worker.once("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }

  /** What SQLite refuses here it will refuse, and say, in a commit. */
  #leaveToSqlite(): void {
    if (this.#isOff) return;
    this.#isOff = true;
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
    if (this.#database.isOpen) this.#database.exec(`PRAGMA wal_autocheckpoint = ${minCheckpointPages}`);
  }
}

function order(worker: Worker, what: CheckpointOrder): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
  worker.postMessage(what);
}
