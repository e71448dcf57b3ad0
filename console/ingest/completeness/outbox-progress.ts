import type { DeviceId } from "#shared/ids";
import { has, holes, size, withRange, type Ranges } from "./ranges.ts";
import { isLine, withRun, type Runs } from "./runs.ts";

/** What the console knows of one outbox of one device. Moments are epoch ms. */
export interface OutboxProgress {
  readonly device: DeviceId;
  readonly outbox: string;
  /** When it was first and last heard. */
  readonly begun: number;
  heard: number;
  /** Since when something that was heard of is not stored; null where all is. */
  laggingSince: number | null;
  /** The lowest number heard of. Those below it belong to a time before this console, which nobody can tell about. */
  lowest: number;
  highest: number;
  /** The lowest number that its outbox still had, as it has told; 0 where it has not. What is below it and not here is not awaited. */
  kept: number;
  /** Numbers that are stored or lie in a gap that was told: none of them is awaited any more. */
  settled: Ranges;
  /** Which run of the agent gave which of them. */
  runs: Runs;
  /** The last instant before the first hole: what is older is all here; and the last of all. */
  watermark: number | null;
  newest: number | null;
  /** Stored batches with samples in them; their samples that the store has, and those it will never have. */
  batches: number;
  samples: number;
  setAside: number;
  /** Numbers on their way to the store, and to the row of this. */
  readonly writing: number[];
}

/** Batches that will never come. */
export interface Lost {
  readonly first: number;
  readonly last: number;
  /** Of the numbers from first to last, those that are not stored. */
  readonly batches: number;
  readonly samples: number;
  /** Whether `samples` is no count but an estimate by the mean of the stored batches. */
  readonly estimated: boolean;
}

/** Holes in one outbox at most. An agent makes a handful; more are somebody's game and not kept. */
const maxHoles = 256;

export function newProgress(device: DeviceId, outbox: string, seq: number, now: number): OutboxProgress {
  return {
    device,
    outbox,
    begun: now,
    heard: now,
    laggingSince: null,
    lowest: seq,
    highest: seq,
    kept: 0,
    settled: [],
    runs: [],
    watermark: null,
    newest: null,
    batches: 0,
    samples: 0,
    setAside: 0,
    writing: [],
  };
}

/** How many numbers of the outbox would be known of, and neither stored nor told as lost, if this one were heard. */
export function unknownWith(
  { settled, lowest, highest }: Pick<OutboxProgress, "settled" | "lowest" | "highest">,
  seq: number,
): number {
  if (seq >= lowest - 1 && seq <= highest + 1) return 0;
  return size(holes(settled, Math.min(lowest, seq), Math.max(highest, seq))) - 1;
}

/** A number was heard, of that run. */
export function hear(progress: OutboxProgress, seq: number, now: number, run = ""): void {
  progress.heard = now;
  progress.laggingSince ??= now;
  progress.runs = withRun(progress.runs, seq, run, seq >= progress.highest);
  const line = isLine(progress.outbox);
  // What stands between the numbers of a line has been given a place in the progress of its outbox itself, or will be: a line owes nothing else.
  progress.lowest = line ? seq : Math.min(progress.lowest, seq);
  progress.highest = line ? seq : Math.max(progress.highest, seq);
}

/** A number is settled. @param end its batch's last instant; null for one without samples @returns whether there was room for it */
export function settle(progress: OutboxProgress, seq: number, end: number | null): boolean {
  if (!cover(progress, seq, seq)) return false;
  if (end === null) return true;
  progress.newest = Math.max(progress.newest ?? 0, end);
  if (progress.settled.length === 2) progress.watermark = progress.newest;
  else if (seq === progress.settled[1]) progress.watermark = end;
  else if (seq < (progress.settled[1] ?? 0)) progress.watermark = Math.max(progress.watermark ?? 0, end);
  return true;
}

/** Those of the numbers `from` to `to` that are not settled will never come. @returns undefined where there are none */
export function lose(
  progress: OutboxProgress,
  from: number,
  to: number,
  samples: number | undefined,
): Lost | undefined {
  const missing = holes(progress.settled, from, to);
  const batches = size(missing);
  if (batches === 0 || !cover(progress, from, to)) return undefined;
  progress.lowest = Math.min(progress.lowest, from);
  const share = batches / (to - from + 1);
  return {
    first: missing[0] ?? from,
    last: missing.at(-1) ?? to,
    batches,
    samples: Math.round(samples === undefined ? batches * samplesPerBatch(progress) : samples * share),
    estimated: samples === undefined || share < 1,
  };
}

export function isComplete({ outbox, settled, lowest, highest, kept }: OutboxProgress): boolean {
  if (isLine(outbox)) return has(settled, highest);
  return (settled.at(-2) ?? Infinity) <= Math.max(lowest, kept) && (settled.at(-1) ?? 0) >= highest;
}

/** The outbox tells the lowest number that it still has. @returns whether that is news */
export function letGo(progress: OutboxProgress, first: number): boolean {
  // An older message, or an outbox that was put back itself, tells less than is known.
  if (first <= progress.kept || first > progress.highest) return false;
  progress.kept = first;
  return true;
}

/** Batches that were heard of, or must have been between those, are neither stored nor in a gap, and still in the outbox. */
export function outstanding(progress: Awaited): { batches: number; ranges: Ranges } {
  const ranges = holes(progress.settled, Math.max(progress.lowest, progress.kept), progress.highest);
  return { batches: size(ranges), ranges };
}

/**
 * Batches that are neither stored nor in a gap, as far as this state knows, and have left the outbox: only an ack takes one out, so a
 * console had them, whose state was put back to an older copy since.
 */
export function forgotten(progress: Awaited): number {
  return progress.kept === 0
    ? 0
    : size(holes(progress.settled, progress.lowest, Math.min(progress.kept - 1, progress.highest)));
}

type Awaited = Pick<OutboxProgress, "lowest" | "highest" | "kept" | "settled">;

/** The mean of the stored batches; 0 before there is one. */
export function samplesPerBatch({
  batches,
  samples,
  setAside,
}: Pick<OutboxProgress, "batches" | "samples" | "setAside">): number {
  return batches === 0 ? 0 : (samples + setAside) / batches;
}

function cover(progress: OutboxProgress, from: number, to: number): boolean {
  const next = withRange(progress.settled, from, to);
  if (next.length > maxHoles * 2) return false;
  progress.settled = next;
  return true;
}
