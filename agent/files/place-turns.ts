/** Files for one place come one after the other: two at once would write one half, and take each other's away. */
export class PlaceTurns {
  readonly #last = new Map<string, Promise<void>>();

  /** Does `work` once all that were before it at this place have ended. @throws what `work` throws, and the signal's reason */
  async alone<T>(place: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(place) ?? Promise.resolve();
    let end = (): void => {};
    const own = new Promise<void>((resolve) => (end = resolve));
    const both = before.then(() => own);
    this.#last.set(place, both);
    void both.then(() => {
      if (this.#last.get(place) === both) this.#last.delete(place);
    });
    try {
      await Promise.race([before, aborted(signal)]);
      signal.throwIfAborted();
      return await work();
    } finally {
      end();
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
