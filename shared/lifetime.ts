import { asError } from "#shared/errors";

/** What is started, and what undoes it; a stop of what was not started is none. */
interface Part<T> {
  start(): T;
  stop(): unknown;
}

/** What has been started and must be stopped: pushed where it is acquired, released in reverse, once; the first error wins. */
export class Lifetime {
  readonly #stops: (() => unknown)[] = [];
  #stopping: Promise<void> | undefined;
  #up = false;

  /** Whether the start is over and has succeeded. */
  get isUp(): boolean {
    return this.#up;
  }

  /** Notes that everything is started: what fails from now on is no failed start. */
  up(): void {
    this.#up = true;
  }

  /** Remembers how to undo what was just started. */
  add(stop: () => unknown): void {
    this.#stops.push(stop);
  }

  /** Starts a part. Its stop is remembered before: one whose start throws half-way is stopped as well. */
  begin<T>(part: Part<T>): T {
    this.add(() => part.stop());
    return part.start();
  }

  /** Begins; where that throws, undoes what stood by then. @throws what `begin` throws */
  async start<T>(begin: () => T | Promise<T>): Promise<T> {
    try {
      return await begin();
    } catch (error) {
      // Why there is no start is what counts.
      await this.stop().catch(() => {});
      throw error;
    }
  }

  /** The same where nothing is waited for. What needs time to be undone goes on being so, and {@link stop} waits for it. */
  startNow<T>(begin: () => T): T {
    try {
      return begin();
    } catch (error) {
      void this.stop().catch(() => {});
      throw error;
    }
  }

  /** Undoes everything, the latest first; goes on after an error and throws the first one at the end. Called again, it waits for the same. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#undo().finally(() => (this.#stopping = undefined)));
  }

  async #undo(): Promise<void> {
    let first: Error | undefined;
    for (let stop = this.#stops.pop(); stop; stop = this.#stops.pop()) {
      try {
        const done = stop();
        // What needs no time is undone in this turn.
        if (done instanceof Promise) await done;
      } catch (error) {
        first ??= asError(error);
      }
    }
    if (first) throw first;
  }
}
