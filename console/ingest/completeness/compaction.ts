import type { DeviceId } from "#shared/ids";
import { outstanding } from "./outbox-progress.ts";
import { lostWith, type SampleGap, type OutboxRow } from "./completeness.ts";
import type { LedgerRows } from "./ledger-rows.ts";

/** Outboxes of one device that are told apart: an agent without a directory makes a new one with each start. */
const maxOutboxes = 20;
/** Gaps of one device that are told apart, and how many of the oldest are taken together beyond it. */
const maxGaps = 200;
const gapsAtOnce = 50;
const together = "older gaps, taken together";

/**
 * Names of outboxes come from outside: beyond the newest ones they are let go, their counts go into one row, and what
 * they still owed is a gap.
 * @param isBusy an outbox with a batch on its way stays
 * @returns the names that are gone
 */
export function compactOutboxes(rows: LedgerRows, device: DeviceId, isBusy: (outbox: string) => boolean): string[] {
  const all = rows.outboxes(device);
  const old = all
    .filter(({ outbox }) => outbox !== "")
    .slice(maxOutboxes)
    .filter(({ outbox }) => !isBusy(outbox));
  const [first] = old;
  if (!first) return [];
  for (const one of old) {
    if (outstanding(one).batches > 0) addGap(rows, device, lostWith(one));
    rows.dropOutbox(one);
  }
  rows.putOutbox(sumOf([...all.filter(({ outbox }) => outbox === ""), ...old], first));
  return old.map(({ outbox }) => outbox);
}

export function addGap(rows: LedgerRows, device: DeviceId, gap: SampleGap): void {
  rows.addGap(device, gap);
  const gaps = rows.gaps(device);
  if (gaps.length <= maxGaps) return;
  const old = gaps.filter(({ outbox }, at) => outbox === null || at < gapsAtOnce);
  for (const { id } of old) rows.dropGap(id);
  const from = old.flatMap((one) => one.from ?? []);
  const to = old.flatMap((one) => one.to ?? []);
  rows.addGap(device, {
    outbox: null,
    first: null,
    last: null,
    batches: old.reduce((sum, { batches }) => sum + batches, 0),
    samples: old.reduce((sum, { samples }) => sum + samples, 0),
    estimated: old.some(({ estimated }) => estimated),
    from: from.length > 0 ? Math.min(...from) : null,
    to: to.length > 0 ? Math.max(...to) : null,
    why: together,
  });
}

function sumOf(rows: readonly OutboxRow[], pattern: OutboxRow): OutboxRow {
  const sum = (of: (row: OutboxRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  return {
    ...pattern,
    outbox: "",
    begun: Math.min(...rows.map(({ begun }) => begun)),
    laggingSince: null,
    lowest: 0,
    highest: 0,
    kept: 0,
    settled: [0, 0],
    runs: [],
    batches: sum((row) => row.batches),
    samples: sum((row) => row.samples),
    setAside: sum((row) => row.setAside),
    lost: sum((row) => row.lost),
  };
}
