import type { Backlog } from "./backlog.ts";
import type { World } from "./world.ts";

/** Milliseconds behind from which on beats are left out, as after the machine slept. */
const maxLag = 60_000;

/** When a device samples. A sample can be made at any later time, so nothing happens before a batch is full. */
export class Beat {
  interval: number;
  readonly #size: number;
  readonly #backlog: Backlog;
  readonly #phase: number;
  /** The first instant of the batch that fills, on the monotonic clock; Infinity while paused. */
  #from = Infinity;

  /** @param phase 0 … 1, which part of the first interval passes before the first sample: a fleet does not sample in step */
  constructor({ interval, batchSize }: World, backlog: Backlog, phase: number) {
    this.interval = interval;
    this.#size = batchSize;
    this.#backlog = backlog;
    this.#phase = phase;
  }

  get paused(): boolean {
    return this.#from === Infinity;
  }

  /** When the batch is full. */
  get next(): number {
    return this.#from + (this.#size - 1) * this.interval;
  }

  start(now: number): void {
    if (this.paused) this.#from = now + this.#phase * this.interval;
  }

  pause(now: number): void {
    this.#flush(now);
    this.#from = Infinity;
  }

  setInterval(ms: number, now: number): void {
    const paused = this.paused;
    this.pause(now);
    this.interval = ms;
    if (!paused) this.#from = now + this.#phase * ms;
  }

  /** Hands over what was sampled and not yet batched, at least one sample of now. @returns how many */
  report(now: number): number {
    const count = this.#flush(now);
    if (count > 0) return count;
    this.#backlog.append(now, this.interval, 1);
    return 1;
  }

  wake(now: number): void {
    if (now - this.next > maxLag) this.#from = now;
    for (; this.next <= now; this.#from += this.#size * this.interval)
      this.#backlog.append(this.#from, this.interval, this.#size);
  }

  #flush(now: number): number {
    if (now < this.#from) return 0;
    const count = Math.floor((now - this.#from) / this.interval) + 1;
    this.#backlog.append(this.#from, this.interval, count);
    this.#from += count * this.interval;
    return count;
  }
}
