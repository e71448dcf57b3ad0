import type { Violation } from "../case.ts";

/** A batch that an agent has on its disk: its number, and what is in it. */
export interface Kept {
  readonly who: string;
  readonly outbox: string;
  readonly seq: number;
  /** When this was written down, epoch ms. */
  readonly on: number;
  /** The samples' times (epoch ms) and their values: each value is measured once in a run. */
  readonly at: readonly number[];
  readonly n: readonly number[];
}

/** An ack as it came to an agent. */
export interface Acked {
  readonly who: string;
  readonly outbox: string;
  readonly on: number;
  /** Both ends included. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** A sample that the store has. */
export interface Stored {
  readonly at: number;
  readonly n: number;
}

/** A gap that the console tells. */
export interface ToldGap {
  readonly outbox: string;
  readonly from: number;
  readonly to: number;
  readonly why: string;
}

/** All about one device. */
export interface Evidence {
  readonly device: string;
  readonly kept: readonly Kept[];
  readonly stored: readonly Stored[];
  readonly gaps: readonly ToldGap[];
  /** Those of them that were not told when this was asked the last time. */
  readonly fresh: readonly ToldGap[];
  /** Batches that the console still waits for, though every outbox is empty. */
  readonly outstanding: number;
  /** Whether something was done since then that may force batches out: without it no gap is excused. */
  readonly excused: boolean;
  /** Whether a sample may be missing though nobody tells it: what was done to directories has cost it. */
  readonly mayMiss: (batch: Kept, sample: Stored) => boolean;
}

/** The promises. */
export type Rule =
  | "nothing is lost"
  | "what was acknowledged to a sender is kept"
  | "nothing is doubled"
  | "each at its time"
  | "no gap without a cause"
  | "nothing is outstanding at rest";

/** Holds what the agents wrote to their disks against what the store and the console say. */
export function check({ device, kept, stored, gaps, fresh, outstanding, excused, mayMiss }: Evidence): Violation[] {
  const times = new Map<number, number[]>();
  for (const { at, n } of stored) times.set(n, [...(times.get(n) ?? []), at]);
  const violations: Violation[] = [];
  const found = (rule: Rule, key: string, text: string): void =>
    void violations.push({ rule, key: `${rule} ${device} ${key}`, text: `${device}: ${text}` });

  for (const batch of kept) {
    const { outbox, seq, at, n } = batch;
    const where = `batch ${seq} of ${outbox}`;
    const isTold = gaps.some((gap) => gap.outbox === outbox && gap.from <= seq && seq <= gap.to);
    const missing = n.filter((value, index) => !times.has(value) && !mayMiss(batch, { at: at[index] ?? 0, n: value }));
    if (missing.length > 0 && !isTold)
      found("nothing is lost", where, `${where}: ${missing.length} of ${n.length} samples are nowhere`);
    for (const [index, value] of n.entries()) {
      const seen = times.get(value) ?? [];
      if (seen.length === 1 && seen[0] !== at[index])
        found("each at its time", String(value), `${where}: a sample of ${at[index]} stands at ${seen[0]}`);
    }
  }
  for (const [value, seen] of times)
    if (seen.length > 1) found("nothing is doubled", String(value), `one sample stands at ${seen.join(" and ")}`);
  if (!excused)
    for (const { outbox, from, to, why } of fresh)
      found("no gap without a cause", `${outbox} ${from}`, `batches ${from} to ${to} of ${outbox}: ${why}`);
  if (outstanding > 0)
    found("nothing is outstanding at rest", String(outstanding), `the console still waits for ${outstanding} batches`);
  return violations;
}
