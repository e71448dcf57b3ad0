import type { Clock } from "#shared/clock";
import { StoreUnavailableError } from "./store.ts";

/** Looks into the history that wait for their turn: a page with all its charts asks twenty at once. */
export const maxWaitingReads = { ofOne: 64, ofAll: 256 };
/** Milliseconds that one look may take from its turn on. */
export const readTimeout = 10_000;

interface Waiting {
  readonly begin: () => void;
  readonly refuse: (error: Error) => void;
}

/**
 * Lets a few looks into the history run at once. Those of one person wait in one line, and the lines take turns: who asks for ten weeks
 * at once waits for himself.
 */
export class ReadQueue {
  readonly #clock: Pick<Clock, "after">;
  readonly #atOnce: number;
  readonly #lines = new Map<string, Set<Waiting>>();
  #running = 0;
  #waiting = 0;

  constructor(clock: Pick<Clock, "after">, atOnce: number) {
    this.#clock = clock;
    this.#atOnce = atOnce;
  }

  /**
   * @param by whose line it waits in
   * @param signal ends the waiting: nobody wants the answer any more
   * @throws StoreUnavailableError where too many wait, or it takes too long
   */
  async run<T>(by: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#turn(by, signal);
    const done = work();
    // Its turn lasts as long as it does, not as long as somebody waits for it.
    const next = (): void => this.#next();
    done.then(next, next);
    return this.#inTime(done);
  }

  async #turn(by: string, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#running < this.#atOnce) {
      this.#running += 1;
      return;
    }
    const line = this.#lines.get(by) ?? new Set<Waiting>();
    if (this.#waiting >= maxWaitingReads.ofAll || line.size >= maxWaitingReads.ofOne)
      throw new StoreUnavailableError(`${this.#waiting} queries wait already: try again when they are answered`);
    this.#lines.set(by, line);
    await new Promise<void>((begin, refuse) => {
      const waiting: Waiting = { begin, refuse };
      line.add(waiting);
      this.#waiting += 1;
      signal?.addEventListener("abort", () => {
        if (this.#leave(by, waiting)) refuse(new StoreUnavailableError("nobody waits for the answer any more"));
      });
    });
  }

  #next(): void {
    const [first] = this.#lines;
    const [waiting] = first?.[1] ?? [];
    if (!first || !waiting) {
      this.#running -= 1;
      return;
    }
    const [by, line] = first;
    this.#leave(by, waiting);
    // To the end of the round.
    if (this.#lines.delete(by)) this.#lines.set(by, line);
    waiting.begin();
  }

  #leave(by: string, waiting: Waiting): boolean {
    const line = this.#lines.get(by);
    if (!line?.delete(waiting)) return false;
    this.#waiting -= 1;
    if (line.size === 0) this.#lines.delete(by);
    return true;
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    let cancel: (() => void) | undefined;
    const late = new Promise<never>((_, reject) => {
      // Nobody knows whether it was too long or the disk too slow: it may be asked again.
      const why = `no answer within ${readTimeout / 1_000} s: try again, or ask for a shorter range`;
      cancel = this.#clock.after(readTimeout, () => reject(new StoreUnavailableError(why)));
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      cancel?.();
    }
  }
}
