import type { Clock } from "#shared/clock";

/** Milliseconds until a message is tried again that the store refuses though it takes others. */
export const setBackFor = 300_000;
/** Messages that are set back at most: beyond it the one that waits longest is tried at once. */
export const maxSetBack = 1_000;

/** Messages that stand behind all others for a while, because the store refuses them alone and does not say that it always will. */
export class SetBack {
  readonly #clock: Pick<Clock, "monotonic">;
  /** When each may be tried again; the first of them first. */
  readonly #due = new Map<number, number>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  add(id: number): void {
    this.#due.delete(id);
    this.#due.set(id, this.#clock.monotonic() + setBackFor);
    for (const oldest of this.#due.keys()) {
      if (this.#due.size <= maxSetBack) return;
      this.#due.delete(oldest);
    }
  }

  /** Whether there is any of them. */
  get any(): boolean {
    return this.#due.size > 0;
  }

  has(id: number): boolean {
    return (this.#due.get(id) ?? Number.NEGATIVE_INFINITY) > this.#clock.monotonic();
  }

  /** It has left the spool. */
  forget(id: number): void {
    this.#due.delete(id);
  }
}
