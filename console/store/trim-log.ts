import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";

/** Up to which moments (epoch ms) days that are rolled up lose their samples, and their roll-ups. */
export interface CutMoments {
  readonly samples: number;
  readonly minutes: number;
  readonly quarters: number;
}

/** What a store lets go of, because of its age or because there is too much. */
export interface Cut {
  readonly until: CutMoments;
  /** Up to which moment samples go that are not rolled up. */
  readonly bare: number;
  /** The moment that is told. */
  readonly told: number;
  readonly why: "age" | "size";
}

/** Milliseconds between two lines about samples that were let go for the same reason. */
export const trimLineEvery = 60_000;

const reasons = {
  age: "samples were let go because of their age (MUSTER_HISTORY_AGE), or days that were rolled up (MUSTER_HISTORY_MINUTES, MUSTER_HISTORY_QUARTERS)",
  size: "the embedded store is full (MUSTER_HISTORY_SIZE): its oldest samples were let go, or days that were rolled up",
} as const satisfies Record<Cut["why"], string>;

/** What has gone: samples, and days of a series that were rolled up. */
export interface Gone {
  readonly rows: number;
  readonly days: number;
}

interface Count {
  rows: number;
  days: number;
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

  add({ told, why }: Cut, { rows, days }: Gone): void {
    const count = this.#counts[why];
    count.rows += rows;
    count.days += days;
    count.until = told;
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
    if (count.rows === 0 && count.days === 0) return;
    const { rows, days } = count;
    const until = new Date(count.until).toISOString();
    if (why === "size") this.#log.warn({ rows, days, until }, reasons[why]);
    else this.#log.info({ rows, days, until }, reasons[why]);
    count.rows = count.days = 0;
    count.told = now;
  }
}

function none(): Count {
  return { rows: 0, days: 0, until: 0, told: Number.NEGATIVE_INFINITY };
}
