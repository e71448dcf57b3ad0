import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { asError } from "#shared/errors";
import type { ReadAnswer, ReadQuery } from "./reader.ts";
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
    const worker = (this.#worker ??= this.#start());
    const answer = await new Promise<ReadAnswer>((resolve, reject) => {
      this.#abandon = reject;
      worker.once("message", resolve);
      // The thread keeps the process only while somebody waits for it.
      worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
      worker.postMessage(query);
    }).finally(() => worker.unref());
    if (answer.error !== undefined) throw this.#failed(answer.error);
    return answer;
  }

  /** Ends the thread; the next question starts another, on whatever file is there then. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#abandon?.(this.#failed("it was stopped"));
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = startThread({ workerData: this.#path, name: "history" });
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

/** On this module's neighbour, or on the file that is built for it, beside the chunks or above them. */
function startThread(options: WorkerOptions): Worker {
  const places = ["./reader.js", "../reader.js", "./reader.mjs", "../reader.mjs"].map(
    (one) => new URL(one, import.meta.url),
  );
  const built = places.find((one) => existsSync(fileURLToPath(one)));
  if (built) return new Worker(built, options);
  // From the sources: a thread does not inherit what lets the process read TypeScript.
  const source = new URL("./reader.ts", import.meta.url).href;
  const begin = `import("tsx/esm/api").then(({ register }) => (register(), import(${JSON.stringify(source)})))`;
  return new Worker(begin, { ...options, eval: true });
}
