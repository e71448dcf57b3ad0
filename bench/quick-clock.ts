import type { Clock } from "#shared/clock";

interface Timer {
  readonly due: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** A clock that goes as fast as it is told to: for a simulated day with thousands of timers. `ManualClock` looks at all of them at each step. */
export class QuickClock implements Clock {
  readonly #began: number;
  #mono = 0;
  #order = 0;
  /** A binary heap by the moment; those that were cancelled stay until their time has come. */
  readonly #timers: Timer[] = [];

  /** @param began epoch ms */
  constructor(began: number) {
    this.#began = began;
  }

  now(): number {
    return this.#began + this.#mono;
  }

  monotonic(): number {
    return this.#mono;
  }

  uptime(): number {
    return this.#mono;
  }

  after(ms: number, run: () => void): () => void {
    const timer: Timer = { due: this.#mono + Math.max(0, ms), order: (this.#order += 1), run };
    this.#timers.push(timer);
    this.#rise(this.#timers.length - 1);
    return () => (timer.run = undefined);
  }

  /** Moves both clocks on and runs what falls due, in its order. */
  advance(ms: number): void {
    const end = this.#mono + ms;
    for (let [first] = this.#timers; first && first.due <= end; [first] = this.#timers) {
      this.#takeFirst();
      this.#mono = Math.max(this.#mono, first.due);
      first.run?.();
    }
    this.#mono = end;
  }

  #takeFirst(): void {
    const last = this.#timers.pop();
    if (!last || this.#timers.length === 0) return;
    this.#timers[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    for (let at = from; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = this.#isBefore(right, left) ? right : left;
      if (!this.#isBefore(child, at)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#timers[one], this.#timers[other]];
    if (!a || !b) return a !== undefined;
    return a.due < b.due || (a.due === b.due && a.order < b.order);
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#timers[one], this.#timers[other]];
    if (!a || !b) return;
    this.#timers[one] = b;
    this.#timers[other] = a;
  }
}
