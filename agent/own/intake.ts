import type { Clock } from "#shared/clock";
import type { OwnSample } from "#shared/messages/metrics";
import type { Columns } from "../columns.ts";
import { toBatches, type Timed } from "./batches.ts";

export interface IntakeOptions {
  readonly clock: Clock;
  /** Takes each finished batch. */
  readonly emit: (columns: Columns) => void;
}

/** Milliseconds that a sample waits at most before it goes into the outbox. */
const period = 1_000;
/** Samples in such a time at most: a program that runs wild must not force the machine's own samples out of the outbox. */
const most = 10_000;

/** Milliseconds by which a program's time may be ahead of this machine's, as clocks that are read one after the other are. */
const mostAhead = 1_000;

/** Samples of other programs, gathered for a second, then put into the outbox. */
export class Intake {
  readonly #options: IntakeOptions;
  #pending: Timed[] = [];
  #taken = 0;
  readonly #waiting = new Set<() => void>();
  #cancel: (() => void) | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** How many samples may be added now. */
  get room(): number {
    return most - this.#pending.length;
  }

  /** Samples taken since the start. */
  get taken(): number {
    return this.#taken;
  }

  /** To be called while there is {@link room}. A sample without a time gets the present one. */
  add({ measurement, tags = {}, values, ts }: OwnSample): void {
    const { clock } = this.#options;
    const now = clock.now();
    // A time to come, by a better clock than the machine's own, is the present one: the console corrects the machine's.
    const at = ts === undefined || ts > now + mostAhead ? now : ts;
    const up = clock.uptime() - Math.max(0, now - at);
    this.#pending.push({ at, up, reading: { measurement, tags, fields: values } });
    this.#taken += 1;
    this.#cancel ??= clock.after(period, () => this.#flush());
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
    try {
      for (const columns of toBatches(pending)) this.#options.emit(columns);
    } finally {
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const resume of waiting) resume();
    }
  }
}
