/**
 * A promise that is already kept and calls back at once. Aedes awaits its store with `then`; when that comes a turn later for a
 * retained or QoS 1 message and at once for another, the two overtake each other, and Aedes takes the one that comes
 * second for a duplicate and drops it. With answers at once messages stay in order and none is dropped.
 */
export class SettledPromise<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- being one is its purpose
  then<R>(kept: (value: T) => R): SettledPromise<R> {
    return new SettledPromise(kept(this.#value));
  }

  finally(run: () => void): this {
    run();
    return this;
  }
}

export const settled = new SettledPromise<void>(undefined);

/** A kept promise's opposite: calls the second callback at once. */
export class Failed {
  readonly #error: Error;

  constructor(error: Error) {
    this.#error = error;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- being one is its purpose
  then<R>(_kept: unknown, broken: (error: Error) => R): SettledPromise<R> {
    return new SettledPromise(broken(this.#error));
  }
}
