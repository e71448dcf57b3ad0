import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import type { Collector } from "./collectors/collector.ts";
import { sampleAll } from "./collectors/sample.ts";
import { toColumns, type Columns, type Instant } from "./columns.ts";

export interface SamplerOptions {
  readonly collectors: readonly Collector[];
  /** Milliseconds between samples. */
  readonly interval: number;
  /** Instants in a batch. */
  readonly batchSize: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes each finished batch. */
  readonly emit: (columns: Columns) => void;
}

/**
 * Asks every collector once an interval, on the beat of the monotonic clock: a slow sample delays none of the later
 * ones, and a beat that was missed altogether (a suspended machine) is left out, not made up for.
 */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #began: number;
  readonly #complained = new Set<string>();
  #interval: number;
  #pending: Instant[] = [];
  #cancel: (() => void) | undefined;
  #state: "stopped" | "running" | "paused" = "stopped";

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#interval = options.interval;
    this.#began = options.clock.monotonic();
  }

  get interval(): number {
    return this.#interval;
  }

  get paused(): boolean {
    return this.#state === "paused";
  }

  start(): void {
    if (this.#state !== "stopped") return;
    this.#state = "running";
    this.#beat(this.#options.clock.monotonic());
  }

  pause(): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    this.#cancel?.();
    this.#flush();
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    this.#beat(this.#options.clock.monotonic());
  }

  setInterval(ms: number): void {
    this.#interval = ms;
    if (this.#state !== "running") return;
    this.#cancel?.();
    this.#beat(this.#options.clock.monotonic());
  }

  /** Takes a sample now, besides the beat, and sends it on at once. @returns how many readings it has */
  async report(): Promise<number> {
    const count = await this.#sample();
    this.#flush();
    return count;
  }

  stop(): void {
    this.#cancel?.();
    this.#state = "stopped";
    this.#flush();
  }

  #beat(due: number): void {
    const { clock, log } = this.#options;
    const late = clock.monotonic() - due;
    const next = due + this.#interval * Math.max(1, Math.ceil((late + 1) / this.#interval));
    this.#cancel = clock.after(next - clock.monotonic(), () => this.#beat(next));
    this.#sample().catch((err: unknown) => log.error({ err }, "a sample failed"));
  }

  async #sample(): Promise<number> {
    const { clock, collectors, batchSize } = this.#options;
    const at = clock.now();
    const mono = clock.monotonic() - this.#began;
    const up = clock.uptime();
    const { readings, problems } = await sampleAll(collectors, clock);
    for (const { collector, error } of problems) this.#complain(collector, error);
    if (readings.length > 0) this.#pending.push({ at, mono, up, readings });
    if (this.#pending.length >= batchSize) this.#flush();
    return readings.length;
  }

  #flush(): void {
    const [first, ...rest] = this.#pending;
    this.#pending = [];
    if (first) this.#options.emit(toColumns([first, ...rest]));
  }

  /** Once per collector: one that fails would otherwise fill the log every interval. */
  #complain(collector: string, err: Error): void {
    if (this.#complained.has(collector)) return;
    this.#complained.add(collector);
    this.#options.log.warn({ collector, err }, "a collector failed; it is tried again each interval");
  }
}
