import type { DeviceId } from "#shared/ids";
import { forgotten, outstanding, samplesPerBatch, type OutboxProgress, type Lost } from "./outbox-progress.ts";

/**
 * What became of the samples of one device's numbered batches; a sample is one series' values at one instant. Moments
 * are epoch ms.
 */
export interface Completeness {
  readonly device: DeviceId;
  /** When the counting began; null where no batch was ever heard. */
  readonly since: number | null;
  /** The sum of the following: stored, set aside, missing, outstanding and forgotten. */
  readonly expected: number;
  readonly stored: number;
  /** Received, and refused for good by the contract or by the store. */
  readonly setAside: number;
  /** Gone for good: the sum of the gaps. */
  readonly missing: number;
  /** Not here yet, and still in the device's outbox as far as is known. */
  readonly outstanding: {
    readonly batches: number;
    /** An estimate, by the mean of the stored batches. */
    readonly samples: number;
    /** From which instant on samples are awaited. */
    readonly from: number | null;
    /** When the console noticed. */
    readonly since: number | null;
  };
  /**
   * Not known here, and not in the device's outbox any more: acknowledged by this console before its state was put back to an older copy.
   * Whether the store still has them depends on whether it was put back too. An estimate.
   */
  readonly forgotten: { readonly batches: number; readonly samples: number };
  /** Oldest first. */
  readonly gaps: readonly SampleGap[];
}

/** Samples that will never come: from when to when, and why. */
export interface SampleGap extends Omit<Lost, "first" | "last"> {
  /** The outbox and its numbers, both ends included; null where many old gaps were taken together, and where the store has lost them. */
  readonly outbox: string | null;
  readonly first: number | null;
  readonly last: number | null;
  readonly from: number | null;
  readonly to: number | null;
  readonly why: string;
}

/** An outbox as it is kept, without what is only of the moment. Its name is empty in the row that sums up those let go. */
export interface OutboxRow extends Omit<OutboxProgress, "writing"> {
  /** Of its samples, those that are gone with the store's file. */
  readonly lost: number;
}

/**
 * Milliseconds that an outbox must be silent, while a newer one of the device is heard, before it counts as replaced: an
 * agent with a full disk sends from two outboxes at once.
 */
export const silence = 60_000;
export const replacedWhy = "the device's outbox was replaced before these were sent";

/** @param outboxes all of the device @param told its gaps, oldest first */
export function completenessOf(
  device: DeviceId,
  outboxes: readonly OutboxRow[],
  told: readonly SampleGap[],
): Completeness {
  const open = outboxes.filter((one) => outstanding(one).batches > 0);
  const replaced = open.filter((one) => isReplaced(one, outboxes));
  const gaps = [...told, ...replaced.map(lostWith)].sort((a, b) => (a.from ?? 0) - (b.from ?? 0));
  const sum = (of: readonly OutboxRow[], count: (row: OutboxRow) => number): number =>
    of.reduce((total, row) => total + count(row), 0);
  const waiting = open.filter((one) => !replaced.includes(one));
  const stored = sum(outboxes, (row) => row.samples - row.lost);
  const setAside = sum(outboxes, (row) => row.setAside);
  const missing = gaps.reduce((total, { samples }) => total + samples, 0);
  const awaited = sum(waiting, estimate);
  const gone = {
    batches: sum(outboxes, forgotten),
    samples: sum(outboxes, (row) => Math.round(forgotten(row) * samplesPerBatch(row))),
  };
  return {
    device,
    since: earliest(outboxes.map(({ begun }) => begun)),
    expected: stored + setAside + missing + awaited + gone.samples,
    stored,
    setAside,
    missing,
    outstanding: {
      batches: sum(waiting, (row) => outstanding(row).batches),
      samples: awaited,
      from: earliest(waiting.map(({ watermark, begun }) => watermark ?? begun)),
      since: earliest(waiting.map(({ laggingSince, heard }) => laggingSince ?? heard)),
    },
    forgotten: gone,
    gaps,
  };
}

/** What is lost with an outbox that never comes back. */
export function lostWith(row: OutboxRow): SampleGap {
  const { batches, ranges } = outstanding(row);
  return {
    outbox: row.outbox,
    first: ranges[0] ?? row.lowest,
    last: ranges.at(-1) ?? row.highest,
    batches,
    samples: estimate(row),
    estimated: true,
    from: row.watermark ?? row.begun,
    to: row.heard,
    why: replacedWhy,
  };
}

function isReplaced(row: OutboxRow, all: readonly OutboxRow[]): boolean {
  return all.some(
    (other) => other !== row && other.outbox !== "" && other.begun > row.begun && other.heard - row.heard > silence,
  );
}

function estimate(row: OutboxRow): number {
  return Math.round(outstanding(row).batches * samplesPerBatch(row));
}

function earliest(moments: readonly number[]): number | null {
  return moments.length === 0 ? null : Math.min(...moments);
}
