/** A list of listeners to one kind of event. A listener that throws breaks neither the sender nor the others. */
export class Signal<T> {
  readonly #listeners = new Set<(value: T) => void>();
  readonly #failed: (error: unknown) => void;

  /** @param failed takes what a listener threw */
  constructor(failed: (error: unknown) => void = reportError) {
    this.#failed = failed;
  }

  /** Whether anybody listens: what is costly to tell need not be made for nobody. */
  get heard(): boolean {
    return this.#listeners.size > 0;
  }

  /** @returns what ends the listening */
  on(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(value: T): void {
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}

/** Where nobody takes it, the error becomes an uncaught exception of its own turn: seen, and outside the sender. */
function reportError(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
