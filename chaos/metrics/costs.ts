import type { Acked, Kept } from "./check.ts";
import { isUntold, type Cost } from "../striker.ts";
import { simpleDevice, type Role, type StoreKind } from "./faults.ts";

/** All by which it is judged whether something done to a directory may have cost a sample. */
export interface Ledger {
  readonly costs: readonly Cost<Role>[];
  readonly acked: readonly Acked[];
  readonly store: StoreKind;
  /** Whether the console tells that it lost something that it had, at all. */
  readonly damageTold: boolean;
}

/**
 * Whether the only copy of a batch may have gone with a directory:
 *
 * - an agent's directory is put back as it was: what was written since and had no ack lay there alone;
 * - the console's is, and it is its own store: what it had acknowledged since lay there alone;
 * - a bit of the console's is turned, and it is its own store: what was in the damaged part, which the console has to tell
 *   where it can know it.
 */
export function mayHaveGone({ costs, acked, store, damageTold }: Ledger, batch: Kept): boolean {
  const word = acked.find(
    ({ who, outbox, on, ranges }) =>
      who === batch.who &&
      outbox === batch.outbox &&
      on >= batch.on &&
      ranges.some(([from, to]) => from <= batch.seq && batch.seq <= to),
  );
  const taken = word?.on ?? Infinity;
  return costs.some((cost) => {
    const { who, what, from, to } = cost;
    if (what === "put back" && who === batch.who) return batch.on >= from && batch.on <= to && taken > to;
    if (store === "influx" || who !== "server") return false;
    if (what === "put back") return taken >= from - ackWay && taken <= to + ackWay;
    return (damageTold || isUntold(cost)) && taken <= to + ackWay;
  });
}

/** The same of a simple sample, which the console has acknowledged at `on`: until the store has it, it lies with the console alone. */
export function simpleMayHaveGone({ costs, store, damageTold }: Ledger, on: number): boolean {
  return costs.some((cost) => {
    const { who, what, from, to } = cost;
    if (who !== "server") return false;
    const since = store === "influx" ? to - spooled : 0;
    if (what === "put back") return on >= from - ackWay && on <= to + ackWay;
    return (damageTold || isUntold(cost)) && on <= to + ackWay && on >= since;
  });
}

/** Milliseconds between the console's word and its hearer's note of it. */
const ackWay = 500;
/** Milliseconds that a simple sample may wait at the console for a store that is there. */
const spooled = 5_000;

/** Whether gaps and damage that are told at `device` have had a cause. */
export function hasCause(costs: readonly Cost<Role>[], device: string): boolean {
  return costs.some(({ who }) => who === device || (who === "server" && device !== simpleDevice));
}
