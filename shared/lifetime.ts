import { asError } from "#shared/errors";

/** What has been started and must be stopped: pushed where it is acquired, released in reverse, once; the first error wins. */
export class Lifetime {
  readonly #stops: (() => unknown)[] = [];
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

  /** Undoes everything, the latest first; goes on after an error and throws the first one at the end. */
  async stop(): Promise<void> {
    let first: Error | undefined;
    for (let stop = this.#stops.pop(); stop; stop = this.#stops.pop()) {
      try {
        await stop();
      } catch (error) {
        first ??= asError(error);
      }
    }
    if (first) throw first;
  }
}
