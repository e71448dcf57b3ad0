import { wentBack, type Cost } from "../striker.ts";
import type { Acked, Kept, Stored } from "./check.ts";
import type { StoreKind } from "../setting.ts";
import type { Remains } from "./remains.ts";

/** Damage of which the console has told, and when it was first seen (epoch ms). */
export interface ToldDamage {
  /** A file's name, or a table's. */
  readonly place: string;
  readonly seen: number;
}

/** All by which it is judged whether something done to a directory may have cost a sample. */
export interface Ledger {
  readonly costs: readonly Cost[];
  readonly acked: readonly Acked[];
  /** Every batch of the device, each with samples. */
  readonly kept: readonly Kept[];
  readonly store: StoreKind;
  readonly damage: readonly ToldDamage[];
  /** When everything was looked for, and found, so far (epoch ms). */
  readonly looks: readonly number[];
  /** Of costs at the embedded store's file, what still read of it afterwards. */
  readonly remains: ReadonlyMap<Cost, Remains>;
}

/**
 * Whether the only copy of a sample may have gone with a directory:
 *
 * - an agent's directory is put back as it was: what was written since and had no ack lay there alone;
 * - the console's is, or is restored, and it is its own store: what it had acknowledged since lay there alone; and whatever its store is, the word that it
 *   was told since of batches that had left an outbox unsent;
 * - a bit of its own store's file is turned: what does not read there any more; and all of it, where the console tells that it has
 *   begun that file anew;
 * - a bit of `muster.db` is turned: the word of a gap that nobody has asked for yet.
 */
export function mayHaveGone(ledger: Ledger, batch: Kept, sample: Stored): boolean {
  const { costs, store, remains, looks } = ledger;
  const taken = ackOf(ledger, batch);
  return costs.some((cost) => {
    const { who, from, to } = cost;
    if (wentBack(cost) && who === batch.who) return batch.on >= from && batch.on <= to && taken > to;
    if (who !== "server") return false;
    const heard = taken <= to + ackWay;
    if (wentBack(cost)) return store === "embedded" && heard ? taken >= from : wasToldAsLeft(ledger, batch, cost);
    if (isOf(cost, "muster.db")) return heard && taken >= lookBefore(looks, to);
    if (store === "influx" || !isOf(cost, "metrics.db")) return false;
    return heard && (isTold(ledger, cost) || remains.get(cost)?.has(sample) === false);
  });
}

/** The same of a simple sample, which the console has acknowledged at `on`: until the store has it, it lies with the console alone. */
export function simpleMayHaveGone(ledger: Ledger, on: number, sample: Stored): boolean {
  const { costs, store, remains } = ledger;
  return costs.some((cost) => {
    const { who, from, to } = cost;
    if (who !== "server" || on > to + ackWay) return false;
    if (wentBack(cost)) return on >= from;
    const { file = "" } = cost;
    if (isOf(cost, "spool.db")) return on >= to - spooled && (file.endsWith("-wal") || isTold(ledger, cost));
    if (store === "influx" || !isOf(cost, "metrics.db")) return false;
    return isTold(ledger, cost) || remains.get(cost)?.has(sample) === false;
  });
}

/** Milliseconds between the console's word and its hearer's note of it. */
const ackWay = 500;
/** Milliseconds that a simple sample may wait at the console for a store that is there. */
const spooled = 5_000;

/** When an agent heard that the console has a batch; Infinity where it has not. */
function ackOf({ acked }: Ledger, batch: Kept): number {
  const word = acked.find(
    ({ who, outbox, on, ranges }) =>
      who === batch.who &&
      outbox === batch.outbox &&
      on >= batch.on &&
      ranges.some(([from, to]) => from <= batch.seq && batch.seq <= to),
  );
  return word?.on ?? Infinity;
}

/** Whether the console has acknowledged a batch without samples while what it took then was to go: such a one tells which of those before it have left unsent. */
function wasToldAsLeft({ acked, kept }: Ledger, { who, outbox, seq }: Kept, { from, to }: Cost): boolean {
  const own = acked.filter((one) => one.who === who && one.outbox === outbox);
  const isIn = (ranges: Acked["ranges"], number: number): boolean =>
    ranges.some(([first, last]) => first <= number && number <= last);
  if (own.some(({ ranges }) => isIn(ranges, seq))) return false;
  const full = new Set(kept.filter((one) => one.outbox === outbox).map((one) => one.seq));
  return own
    .filter(({ on }) => on >= from && on <= to + ackWay)
    .some(({ ranges }) =>
      ranges.some(([first, last]) => {
        for (let number = Math.max(first, seq + 1); number <= last; number += 1) if (!full.has(number)) return true;
        return false;
      }),
    );
}

/** Whether the bit was in this database, or in its log. */
function isOf({ file = "" }: Cost, database: string): boolean {
  return file === database || file === `${database}-wal`;
}

/** Whether the console has told since that the file was damaged. */
function isTold({ damage }: Ledger, { file = "", to }: Cost): boolean {
  return damage.some(({ place, seen }) => seen >= to && (place === file || `${place}-wal` === file));
}

function lookBefore(looks: readonly number[], moment: number): number {
  return looks.findLast((look) => look <= moment) ?? 0;
}
