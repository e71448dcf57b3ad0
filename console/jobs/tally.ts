import { isFailure, isSent, type JobRow, type RowState } from "./job.ts";

/** How many devices stand where; total = waiting + sent + succeeded + failed + cancelled. */
export interface Counts {
  readonly total: number;
  readonly waiting: number;
  /** Sent and not ended. */
  readonly sent: number;
  readonly succeeded: number;
  /** Ended otherwise: failed, interrupted, rejected, expired, timed out. */
  readonly failed: number;
  /** Of those that failed, the ones that take no such command, and were sent nothing. */
  readonly skipped: number;
  /** Withdrawn, or never sent. */
  readonly cancelled: number;
  /** The same by each state, those that occur. */
  readonly states: Readonly<Partial<Record<RowState, number>>>;
}

/** Counts kept while rows change, so that no change walks over a large fleet. */
export class Tally {
  readonly #states = new Map<RowState, number>();
  /** Sent rows that ended: what an abort rule judges. A row that was refused before it was sent says nothing about the command. */
  #judged = { ended: 0, failed: 0 };
  #skipped = 0;

  constructor(rows: Iterable<JobRow>) {
    for (const row of rows) this.#add(row, 1);
  }

  change(before: JobRow, after: JobRow): void {
    this.#add(before, -1);
    this.#add(after, 1);
  }

  count(state: RowState): number {
    return this.#states.get(state) ?? 0;
  }

  get judged(): { readonly ended: number; readonly failed: number } {
    return this.#judged;
  }

  counts(): Counts {
    return sumUp(this.#states, this.#skipped);
  }

  #add(row: JobRow, by: 1 | -1): void {
    this.#states.set(row.state, this.count(row.state) + by);
    if (isSkipped(row)) this.#skipped += by;
    if (row.command === null) return;
    const failed = isFailure(row.state);
    if (!failed && row.state !== "succeeded") return;
    this.#judged = { ended: this.#judged.ended + by, failed: this.#judged.failed + (failed ? by : 0) };
  }
}

/** Whether a device was refused before anything was sent to it. */
export const isSkipped = ({ state, command }: Pick<JobRow, "state" | "command">): boolean =>
  state === "rejected" && command === null;

/** The counts of a job from how many of its devices are in which state. @param skipped how many of them were sent nothing */
export function sumUp(states: Iterable<readonly [RowState, number]>, skipped: number): Counts {
  const sums = { total: 0, waiting: 0, sent: 0, succeeded: 0, failed: 0, cancelled: 0 };
  const occurring = [...states].filter(([, count]) => count > 0);
  for (const [state, count] of occurring) {
    sums.total += count;
    sums[columnOf(state)] += count;
  }
  return { ...sums, skipped, states: Object.fromEntries(occurring) };
}

function columnOf(state: RowState): "waiting" | "sent" | "succeeded" | "failed" | "cancelled" {
  if (state === "waiting" || state === "succeeded" || state === "cancelled") return state;
  return isSent({ state }) ? "sent" : "failed";
}
