import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import { maxInBatch, maxSpread } from "#shared/messages/batch-check";
import type { Collector, Reading } from "../collectors/collector.ts";
import type { Gathering } from "../collectors/gathering.ts";
import { sampleAll } from "../collectors/sample.ts";
import { toColumns, type Columns, type Instant } from "./to-columns.ts";
import { Instants } from "./instants.ts";

export interface SamplerOptions {
  readonly collectors: readonly Collector[];
  /** Is told what they take and give. */
  readonly gathering?: Gathering;
  /** Names of collectors that are not asked. */
  readonly disabled?: readonly string[];
  /** What the sample has besides. */
  readonly own: OwnSource;
  /** Milliseconds between samples. */
  readonly interval: number;
  /** Whether it begins paused. */
  readonly paused?: boolean | undefined;
  /** Instants in a batch. */
  readonly batchSize: number;
  /** How many samples are to go together at this moment, where that is more. @param interval milliseconds between them */
  readonly together?: ((interval: number) => number) | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes each finished batch. */
  readonly emit: (columns: Columns) => void;
}

/** Values that are not asked for but told, by the program around the agent. */
export interface OwnSource {
  /** A sample is taken now, on the beat. */
  beat(): void;
  /** Everything as it is now. */
  drain(): readonly Reading[];
  /** What would be lost if nothing was taken any more. */
  drainCounts(): readonly Reading[];
}

/** Milliseconds of samples that go together at most because bytes are short. */
export const maxTogether = 300_000;

/**
 * Asks every collector once an interval, on the beat of the monotonic clock: a slow sample delays none of the later
 * ones, and a beat that was missed altogether (a suspended machine) is left out, not made up for.
 */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #began: number;
  /** When the latest sample was finished, on the monotonic clock; or the first one was begun. */
  #sampled = 0;
  readonly #instants = new Instants();
  readonly #complained = new Set<string>();
  readonly #disabled: Set<string>;
  #interval: number;
  #pending: Instant[] = [];
  /** Values in those. */
  #values = 0;
  #cancel: (() => void) | undefined;
  #state: "stopped" | "running" | "paused" = "stopped";

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#disabled = new Set(options.disabled);
    this.#interval = options.interval;
    this.#began = options.clock.monotonic();
  }

  get interval(): number {
    return this.#interval;
  }

  get paused(): boolean {
    return this.#state === "paused";
  }

  /** Milliseconds since a sample was finished; 0 while none is to be taken. */
  get silence(): number {
    return this.#state === "running" ? this.#options.clock.monotonic() - this.#sampled : 0;
  }

  /** Every collector, by name, and whether it is asked. */
  get collectors(): Readonly<Record<string, boolean>> {
    return Object.fromEntries(this.#options.collectors.map(({ name }) => [name, !this.#disabled.has(name)]));
  }

  /** From the next sample on. */
  enable(collector: string, enabled: boolean): void {
    if (enabled) this.#disabled.delete(collector);
    else this.#disabled.add(collector);
  }

  start(): void {
    if (this.#state !== "stopped") return;
    this.#state = "paused";
    if (!this.#options.paused) this.resume();
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
    this.#sampled = this.#options.clock.monotonic();
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
    this.#keep(this.#now(), this.#options.own.drainCounts());
    this.#flush();
    for (const collector of this.#options.collectors) collector.stop?.();
  }

  #beat(due: number): void {
    const { clock, log } = this.#options;
    const late = clock.monotonic() - due;
    const next = due + this.#interval * Math.max(1, Math.ceil((late + 1) / this.#interval));
    this.#cancel = clock.after(next - clock.monotonic(), () => this.#beat(next));
    this.#options.own.beat();
    this.#sample().catch((err: unknown) => log.error({ err }, "a sample failed"));
  }

  async #sample(): Promise<number> {
    const { clock, collectors, own, gathering } = this.#options;
    const now = this.#now();
    const enabled = collectors.filter(({ name }) => !this.#disabled.has(name));
    const { readings, problems } = await sampleAll(enabled, clock, gathering);
    for (const { collector, error } of problems) this.#complain(collector, error);
    // Stopped meanwhile: nobody would take it any more.
    if (this.#state === "stopped") return 0;
    const all = [...readings, ...own.drain()];
    this.#sampled = clock.monotonic();
    this.#keep(now, all);
    if (this.#pending.length >= this.#together()) this.#flush();
    return all.length;
  }

  /** What waits for the others of its batch is in memory alone, so not for long. */
  #together(): number {
    const { batchSize, together } = this.#options;
    const most = Math.max(1, Math.floor(maxTogether / this.#interval));
    return Math.max(batchSize, Math.min(most, together?.(this.#interval) ?? 1));
  }

  #now(): Omit<Instant, "readings"> {
    const { clock } = this.#options;
    return this.#instants.give({ at: clock.now(), mono: clock.monotonic() - this.#began, up: clock.uptime() });
  }

  #keep(now: Omit<Instant, "readings">, readings: readonly Reading[]): void {
    if (readings.length === 0) return;
    const values = readings.reduce((sum, { fields }) => sum + Object.keys(fields).length, 0);
    if (!this.#hasRoom(now, values)) this.#flush();
    this.#pending.push({ ...now, readings });
    this.#values += values;
  }

  /** Whether a batch can reach as far, whatever the settings say, and have as much: the outbox would only part it again. */
  #hasRoom(now: Omit<Instant, "readings">, values: number): boolean {
    const [first] = this.#pending;
    if (!first) return true;
    const span = Math.max(now.mono - first.mono, now.up - first.up);
    return span <= maxInBatch.offset && this.#values + values <= maxSpread.values;
  }

  #flush(): void {
    // A slow sample may come in after the one that followed it.
    const [first, ...rest] = this.#pending.sort((a, b) => a.mono - b.mono);
    this.#pending = [];
    this.#values = 0;
    if (first) this.#options.emit(toColumns([first, ...rest]));
  }

  /** Once per collector: one that fails would otherwise fill the log every interval. */
  #complain(collector: string, err: Error): void {
    if (this.#complained.has(collector)) return;
    this.#complained.add(collector);
    this.#options.log.warn({ collector, err }, "a collector failed; it is tried again each interval");
  }
}
