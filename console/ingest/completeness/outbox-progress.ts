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
  behind: number | null;
  /** The lowest number heard of. Those below it belong to a time before this console, which nobody can tell about. */
  lowest: number;
  highest: number;
  /** The lowest number that its outbox still had, as it has told; 0 where it has not. What is below it and not here is not awaited. */
  kept: number;
  /** Numbers that are stored or lie in a gap that was told: none of them is awaited any more. */
  settled: Ranges;
  /** Which run of the agent gave which of them. */
  runs: Runs;
  /** The last instant before the first hole, and the last of all. */
  tip: number | null;
  newest: number | null;
  /** Stored batches with samples in them; their samples that the store has, and those it will never have. */
  batches: number;
  samples: number;
  setAside: number;
  /** Numbers on their way to the store, and to this book's row. */
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
    behind: null,
    lowest: seq,
    highest: seq,
    kept: 0,
    settled: [],
    runs: [],
    tip: null,
    newest: null,
    batches: 0,
    samples: 0,
    setAside: 0,
    writing: [],
  };
}

/** How many numbers of the book would be known of, and neither stored nor told as lost, if this one were heard. */
export function unknownWith(
  { settled, lowest, highest }: Pick<OutboxProgress, "settled" | "lowest" | "highest">,
  seq: number,
): number {
  if (seq >= lowest - 1 && seq <= highest + 1) return 0;
  return size(holes(settled, Math.min(lowest, seq), Math.max(highest, seq))) - 1;
}

/** A number was heard, of that run. */
export function hear(book: OutboxProgress, seq: number, now: number, run = ""): void {
  book.heard = now;
  book.behind ??= now;
  book.runs = withRun(book.runs, seq, run, seq >= book.highest);
  const line = isLine(book.outbox);
  // What stands between the numbers of a line has been given a place in its outbox's own book, or will be: a line owes nothing else.
  book.lowest = line ? seq : Math.min(book.lowest, seq);
  book.highest = line ? seq : Math.max(book.highest, seq);
}

/** A number is settled. @param end its batch's last instant; null for one without samples @returns whether the book had room for it */
export function settle(book: OutboxProgress, seq: number, end: number | null): boolean {
  if (!cover(book, seq, seq)) return false;
  if (end === null) return true;
  book.newest = Math.max(book.newest ?? 0, end);
  if (book.settled.length === 2) book.tip = book.newest;
  else if (seq === book.settled[1]) book.tip = end;
  else if (seq < (book.settled[1] ?? 0)) book.tip = Math.max(book.tip ?? 0, end);
  return true;
}

/** Those of the numbers `from` to `to` that are not settled will never come. @returns undefined where there are none */
export function lose(book: OutboxProgress, from: number, to: number, samples: number | undefined): Lost | undefined {
  const missing = holes(book.settled, from, to);
  const batches = size(missing);
  if (batches === 0 || !cover(book, from, to)) return undefined;
  book.lowest = Math.min(book.lowest, from);
  const share = batches / (to - from + 1);
  return {
    first: missing[0] ?? from,
    last: missing.at(-1) ?? to,
    batches,
    samples: Math.round(samples === undefined ? batches * samplesPerBatch(book) : samples * share),
    estimated: samples === undefined || share < 1,
  };
}

export function isComplete({ outbox, settled, lowest, highest, kept }: OutboxProgress): boolean {
  if (isLine(outbox)) return has(settled, highest);
  return (settled.at(-2) ?? Infinity) <= Math.max(lowest, kept) && (settled.at(-1) ?? 0) >= highest;
}

/** The outbox tells the lowest number that it still has. @returns whether that is news */
export function letGo(book: OutboxProgress, first: number): boolean {
  // An older message, or an outbox that was put back itself, tells less than is known.
  if (first <= book.kept || first > book.highest) return false;
  book.kept = first;
  return true;
}

/** Batches that were heard of, or must have been between those, are neither stored nor in a gap, and still in the outbox. */
export function outstanding(book: Awaited): { batches: number; ranges: Ranges } {
  const ranges = holes(book.settled, Math.max(book.lowest, book.kept), book.highest);
  return { batches: size(ranges), ranges };
}

/**
 * Batches that are neither stored nor in a gap, as far as this state knows, and have left the outbox: only an ack takes one out, so a
 * console had them, whose state was put back to an older copy since.
 */
export function forgotten(book: Awaited): number {
  return book.kept === 0 ? 0 : size(holes(book.settled, book.lowest, Math.min(book.kept - 1, book.highest)));
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

function cover(book: OutboxProgress, from: number, to: number): boolean {
  const next = withRange(book.settled, from, to);
  if (next.length > maxHoles * 2) return false;
  book.settled = next;
  return true;
}
