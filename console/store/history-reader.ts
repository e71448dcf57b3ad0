import type { Worker } from "node:worker_threads";
import { asError } from "#shared/errors";
import { startThread } from "../database/own-thread.ts";
import type { LastRowsQuery } from "./last-rows.ts";
import type { KeptAnswer, KeptQuery, LastRowsAnswer, ReadAnswer, ReadQuery } from "./reader.ts";
import { StoreUnavailableError } from "./store.ts";

/**
 * Reads the embedded store's history in a thread of its own: a week of one field takes seconds, in which the console has to
 * go on. The thread is started with the first question, and asked one at a time.
 */
export class HistoryReader {
  readonly #path: string;
  #worker: Worker | undefined;
  #abandon: ((error: Error) => void) | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws StoreUnavailableError when the thread ends, or cannot read the file */
  async read(query: ReadQuery): Promise<Exclude<ReadAnswer, { error: string }>> {
    const answer = await this.#ask<ReadAnswer>(query);
    if (answer.error !== undefined) throw this.#failed(answer.error);
    return answer;
  }

  /** @throws StoreUnavailableError, as {@link read} */
  async last(query: LastRowsQuery): Promise<Exclude<LastRowsAnswer, { error: string }>> {
    const answer = await this.#ask<LastRowsAnswer>(query);
    if (answer.error !== undefined) throw this.#failed(answer.error);
    return answer;
  }

  /** @throws StoreUnavailableError, as {@link read} */
  async kept(): Promise<Exclude<KeptAnswer, { error: string }>> {
    const answer = await this.#ask<KeptAnswer>({ kept: true });
    if (answer.error !== undefined) throw this.#failed(answer.error);
    return answer;
  }

  #ask<T>(query: ReadQuery | LastRowsQuery | KeptQuery): Promise<T> {
    const worker = (this.#worker ??= this.#start());
    return new Promise<T>((resolve, reject) => {
      this.#abandon = reject;
      worker.once("message", resolve);
      // The thread keeps the process only while somebody waits for it.
      worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
      worker.postMessage(query);
    }).finally(() => worker.unref());
  }

  /** Ends the thread; the next question starts another, on whatever file is there then. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#abandon?.(this.#failed("it was stopped"));
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = startThread("reader", new URL("./reader.ts", import.meta.url), {
      workerData: this.#path,
      name: "history",
    });
    const gone = (why: string): void => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#abandon?.(this.#failed(why));
    };
    worker.once("error", (error) => gone(asError(error).message));
    worker.once("exit", (code) => gone(`its thread ended with ${code}`));
    return worker;
  }

  #failed(why: string): StoreUnavailableError {
    return new StoreUnavailableError(`the history in ${this.#path} cannot be read: ${why}`);
  }
}
