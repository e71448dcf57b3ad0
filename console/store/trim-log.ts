import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";

/** What a store lets go of: samples before a moment (epoch ms), because of their age or because there are too many. */
export interface Cut {
  readonly until: number;
  readonly why: "age" | "size";
}

/** Milliseconds between two lines about samples that were let go for the same reason. */
export const trimLineEvery = 60_000;

const reasons = {
  age: "samples were let go because of their age (MUSTER_HISTORY_AGE)",
  size: "the embedded store is full (MUSTER_HISTORY_SIZE): its oldest samples were let go",
} as const satisfies Record<Cut["why"], string>;

interface Count {
  rows: number;
  until: number;
  told: number;
}

/** Tells in the log how many samples were let go, until when, and why: a line a minute at most for each reason. */
export class TrimLog {
  readonly #log: Log;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #counts: Record<Cut["why"], Count> = { age: none(), size: none() };

  constructor(log: Log, clock: Pick<Clock, "monotonic">) {
    this.#log = log;
    this.#clock = clock;
  }

  add({ until, why }: Cut, rows: number): void {
    const count = this.#counts[why];
    count.rows += rows;
    count.until = until;
  }

  /** To be called now and then: tells what is due. */
  tell(): void {
    const now = this.#clock.monotonic();
    for (const why of ["age", "size"] as const) if (now - this.#counts[why].told >= trimLineEvery) this.#say(why, now);
  }

  /** Tells what is left. */
  stop(): void {
    for (const why of ["age", "size"] as const) this.#say(why, this.#clock.monotonic());
  }

  #say(why: Cut["why"], now: number): void {
    const count = this.#counts[why];
    if (count.rows === 0) return;
    const { rows } = count;
    const until = new Date(count.until).toISOString();
    if (why === "size") this.#log.warn({ rows, until }, reasons[why]);
    else this.#log.info({ rows, until }, reasons[why]);
    count.rows = 0;
    count.told = now;
  }
}

function none(): Count {
  return { rows: 0, until: 0, told: Number.NEGATIVE_INFINITY };
}
