import { isList, type Column } from "#shared/columns";
import { appendEntry, batchCap, decode, isPlainCbor } from "#shared/codec";
import { encodePlain } from "#shared/plain-cbor";
import { isPlainBatch } from "#shared/messages/plain-batch";
import { shortOf } from "#shared/messages/short-batch";
import type { Batch, Gap } from "#shared/messages/metrics";
import type { Columns } from "../to-columns.ts";

/** Numbers from–to, both ends included. */
export type AckRange = readonly [number, number];

/** What a batch is kept as: what the queue has to know of it, and the encoded message as it was when it was made. */
export interface Stored {
  readonly seq: number;
  /** The first instant on the wall clock (epoch ms) at the time, and on the clock of its epoch. */
  readonly t: number;
  readonly mono: number;
  /** When it was kept, on the same clock: samples may come with times of long ago. */
  readonly kept: number;
  /** Milliseconds from the first to the last instant. */
  readonly span: number;
  /** Series' values at one instant; 0 in a batch that tells a gap. */
  readonly samples: number;
  readonly payload: Buffer;
  readonly gap?: GapRecord;
  /** What the payload says, while it is new: then it need not be decoded to be said otherwise. */
  readonly batch?: Batch | undefined;
}

/** What is known only as a batch goes out: its first instant by the wall clock of now, its age, and the lowest number that waits. */
export type Departure = Pick<Batch, "t" | "age" | "first">;

/**
 * A gap, and what made it. `left`: whole stretches left the queue, oldest first, so that nothing up to `to` waits any more.
 * `damaged`: these numbers alone could not be read.
 */
export interface GapRecord {
  readonly kind: "left" | "damaged";
  readonly gap: Gap;
}

/** What names a batch. */
export interface Envelope {
  readonly outbox: string;
  /** Who numbered it: a number that is given again, because the directory was put back or copied, is another run's. */
  readonly run: string;
  readonly epoch: string;
  readonly seq: number;
}

/** What is added when a batch is sent, `age` and `first`, may take this many bytes, and is so many keys and values. */
const added = { bytes: 64, items: 4 };

/**
 * Judged by what the console judges it by, before it has its number: what has one is never refused.
 * @param kept the present moment on the clock of `epoch`
 * @returns undefined when the console would not take it
 */
export function batchRecord(
  { outbox, run, epoch, seq }: Envelope,
  { t, mono, dt, m }: Columns,
  kept: number,
): Stored | undefined {
  const batch: Batch = { v: 1, outbox, seq, run, t, epoch, mono, dt, m };
  if (!isPlainBatch(batch)) return undefined;
  const payload = encodePlain(batch);
  if (payload.length > batchCap - added.bytes || !isPlainCbor(payload, added.items)) return undefined;
  return { seq, t, mono, kept, span: dt.at(-1) ?? 0, samples: countSamples(m, dt.length), payload, batch };
}

function countSamples(series: Columns["m"], instants: number): number {
  if (instants === 1) return series.length;
  return series.reduce((sum, { f }) => sum + filled(Object.values(f), instants), 0);
}

/** Instants at which at least one of the columns has a value. */
function filled(columns: readonly Column[], instants: number): number {
  const lists = columns.filter(isList);
  if (lists.length < columns.length) return instants;
  let count = 0;
  for (let index = 0; index < instants; index++) if (lists.some((list) => list[index] !== null)) count += 1;
  return count;
}

/** A gap as a record of its own, made at the instant `t`, `mono`. */
export function gapRecord(
  { outbox, run, epoch, seq }: Envelope,
  record: GapRecord,
  { t, mono }: { t: number; mono: number },
): Stored {
  const batch: Batch = { v: 1, outbox, seq, run, t, epoch, mono, dt: [], m: [], dropped: record.gap };
  return { seq, t, mono, kept: mono, span: 0, samples: 0, payload: encodePlain(batch), gap: record };
}

/** The same content under another queue's name and number. */
export function renamed(stored: Stored, { outbox, seq }: Pick<Envelope, "outbox" | "seq">): Stored {
  return { ...stored, seq, payload: withEntries(stored.payload, { outbox, seq }) };
}

/** The gap that an encoded batch tells. */
export function gapIn(payload: Buffer): Gap | undefined {
  return decodeOwn(payload).dropped;
}

/** Whose batch an encoded one is. */
export function envelopeIn(payload: Buffer): Pick<Batch, "outbox" | "run" | "epoch"> {
  return decodeOwn(payload);
}

/**
 * A batch as it goes out: short where the console knows names, and otherwise as it was made.
 * @param names how many of the list the console knows
 */
export function messageOf(
  { t, payload, batch }: Pick<Stored, "t" | "payload" | "batch">,
  departure: Departure,
  names: number,
): Buffer {
  const short = names > 0 ? shortOf({ ...(batch ?? decodeOwn(payload)), ...departure }, names) : undefined;
  const said = short && encodePlain(short);
  // Of names that are not in the list it may be the longer one.
  if (said && said.length <= payload.length && isPlainCbor(said)) return said;
  const { t: now, age, first } = departure;
  const placed = now === t ? payload : withEntries(payload, { t: now });
  const aged = age === undefined ? placed : appendEntry(placed, "age", age);
  return first === undefined ? aged : appendEntry(aged, "first", first);
}

function withEntries(payload: Buffer, entries: Partial<Batch>): Buffer {
  return encodePlain({ ...decodeOwn(payload), ...entries });
}

/** Written by this very module and kept under a checksum: no schema needed. */
function decodeOwn(payload: Buffer): Batch {
  return decode(payload, batchCap).value as Batch;
}
