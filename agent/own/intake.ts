import { Arrivals } from "#shared/arrivals";
import type { Clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import type { OwnSample } from "#shared/messages/simple";
import type { Columns } from "../metrics/to-columns.ts";
import { toBatches, type Timed } from "./to-batches.ts";

export interface IntakeOptions {
  readonly clock: Clock;
  /** Takes each finished batch. */
  readonly emit: (columns: Columns) => void;
}

/** Milliseconds that a sample waits at most before it goes into the outbox. */
const period = 1_000;
/** Samples in such a time at most: a program that runs wild must not force the machine's own samples out of the outbox. */
const maxQueuedSamples = 10_000;

/** Milliseconds by which a program's time may be ahead of this machine's, as clocks that are read one after the other are. */
const maxAhead = 1_000;

/** Samples of other programs, gathered for a second, then put into the outbox. */
export class Intake {
  readonly #options: IntakeOptions;
  #pending: Timed[] = [];
  /** Of what is pending, by series and instant: two samples there would be one. */
  #instants = new Map<string, Map<number, OwnSample["values"]>>();
  readonly #arrivals: Arrivals;
  #taken = 0;
  readonly #waiting = new Set<() => void>();
  #cancel: (() => void) | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#arrivals = new Arrivals(options.clock);
  }

  /** How many samples may be added now. */
  get room(): number {
    return maxQueuedSamples - this.#pending.length;
  }

  /** Samples taken since the start. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * To be called while there is {@link room}. A sample without a time gets the present moment, or the next one that its series
   * has free.
   * @throws BadInputError when there is none near, or another of the same time has said something else
   */
  add({ measurement, tags = {}, values, ts }: OwnSample): void {
    const { clock } = this.#options;
    const now = clock.now();
    const series = JSON.stringify([measurement, Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1))]);
    // A time to come, by a better clock than the machine's own, is the present one: the console corrects the machine's.
    const told = ts === undefined || ts > now + maxAhead ? undefined : Math.floor(ts);
    const at = told ?? this.#free(series);
    this.#note(series, at, values);
    const up = clock.uptime() - Math.max(0, now - at);
    this.#pending.push({ at, up, reading: { measurement, tags, fields: values } });
    this.#taken += 1;
    this.#cancel ??= clock.after(period, () => this.#flush());
  }

  #free(series: string): number {
    const one = new Map([[series, 1]]);
    let at = this.#arrivals.next(one);
    while (this.#instants.get(series)?.has(at)) at = this.#arrivals.next(one);
    return at;
  }

  #note(series: string, at: number, values: OwnSample["values"]): void {
    let instants = this.#instants.get(series);
    if (!instants) this.#instants.set(series, (instants = new Map()));
    const known = instants.get(at);
    for (const field in known)
      if (Object.hasOwn(values, field) && known[field] !== values[field])
        throw new BadInputError(
          `another sample with the same tags and time (by the store's smallest step of 1 ms) said something else of ${quoted(field)}: give each its own time, or tags that tell them apart`,
        );
    instants.set(at, known ? { ...known, ...values } : values);
  }

  /** Calls `resume` once there is room again. @returns forgets it */
  whenRoom(resume: () => void): () => void {
    this.#waiting.add(resume);
    return () => void this.#waiting.delete(resume);
  }

  /** Hands over what it has. Whoever waited for room is forgotten. */
  stop(): void {
    this.#waiting.clear();
    this.#cancel?.();
    this.#flush();
  }

  #flush(): void {
    this.#cancel = undefined;
    const pending = this.#pending;
    this.#pending = [];
    this.#instants = new Map();
    try {
      for (const columns of toBatches(pending)) this.#options.emit(columns);
    } finally {
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const resume of waiting) resume();
    }
  }
}
