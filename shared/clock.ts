import { uptime } from "node:os";

/**
 * Time as a parameter, so that no test sleeps. Two clocks, never one: `now` is the wall clock, which people and
 * databases read and which may step; `monotonic` only grows and is what durations are measured with.
 */
export interface Clock {
  /** Wall clock: milliseconds since 1970-01-01 UTC. */
  now(): number;
  /** Milliseconds since an arbitrary moment; never steps back. */
  monotonic(): number;
  /** Milliseconds since the machine started, in steps of ten; counts the time that it slept, and goes on across restarts of the process. */
  uptime(): number;
  /** Calls `run` once after `ms` milliseconds; the returned function cancels. */
  after(ms: number, run: () => void): () => void;
}

/** setTimeout takes at most a signed 32-bit number of milliseconds (24.8 days) and fires at once beyond it. */
const maxTimeout = 0x7fffffff;

let asked = { at: Number.NaN, uptime: 0 };

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  uptime() {
    const now = performance.now();
    // Node opens, reads and closes a file for it, and a batch on its way asks several times: what was said within its steps still holds.
    if (!(now - asked.at < 10)) asked = { at: now, uptime: Math.round(uptime() * 1_000) };
    return asked.uptime;
  },
  after(ms, run) {
    const due = performance.now() + ms;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const left = due - performance.now();
      timer = left > maxTimeout ? setTimeout(arm, maxTimeout) : setTimeout(run, Math.max(0, left));
    };
    arm();
    return () => clearTimeout(timer);
  },
};

/** A clock that stands still until it is moved: for tests. Timers fire, in order of their due time, inside `advance`. */
export class ManualClock implements Clock {
  #wall: number;
  #mono = 0;
  readonly #timers = new Set<{ due: number; run: () => void }>();

  constructor(wall = Date.UTC(2026, 0, 1)) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#mono;
  }

  uptime(): number {
    return this.#mono;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { due: this.#mono + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Moves both clocks on by `ms` and runs what falls due. */
  advance(ms: number): void {
    const end = this.#mono + ms;
    for (;;) {
      const next = [...this.#timers].filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0];
      if (!next) break;
      this.#timers.delete(next);
      this.#step(Math.max(0, next.due - this.#mono));
      next.run();
    }
    this.#step(end - this.#mono);
  }

  /** Steps the wall clock alone, as an operator or NTP does. */
  setWall(wall: number): void {
    this.#wall = wall;
  }

  #step(ms: number): void {
    this.#mono += ms;
    this.#wall += ms;
  }
}
