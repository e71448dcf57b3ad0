import type { Clock } from "#shared/clock";

/** Milliseconds until something is said again: at first, and at most. */
const again = { first: 5_000, longest: 60_000 };

/** Says something, and again until somebody answers. */
export class UntilAnswered {
  readonly #clock: Clock;
  readonly #say: () => void;
  readonly #silent: () => void;
  #cancel: () => void = () => {};

  /** @param silent is told once it was said in vain twice */
  constructor(clock: Clock, say: () => void, silent: () => void) {
    this.#clock = clock;
    this.#say = say;
    this.#silent = silent;
  }

  begin(): void {
    this.end();
    this.#say();
    this.#wait(again.first, 1);
  }

  /** Somebody has answered. Should that be the last of them, it is said again after a while. */
  heard(): void {
    this.end();
    this.#wait(again.longest, 1);
  }

  /** Nobody need answer any more. */
  end(): void {
    this.#cancel();
  }

  #wait(ms: number, times: number): void {
    this.#cancel = this.#clock.after(ms, () => {
      if (times === 2) this.#silent();
      this.#say();
      this.#wait(Math.min(ms * 2, again.longest), times + 1);
    });
  }
}
