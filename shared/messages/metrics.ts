import * as z from "zod/mini";
import { decode, payloadCap } from "#shared/codec";
import type { Column } from "#shared/columns";
import {
  fits,
  isBetween,
  isColumn,
  isCount,
  isOffsets,
  isPlainObject,
  isToken,
  maxTagValueLength,
  maxInBatch,
  maxSpread,
  maxTags,
  maxUnsent,
  spreads,
} from "#shared/messages/batch-check";
import { measurementName, name } from "#shared/messages/names";
import { atMost, check, count, epochMs, payloadText, token } from "#shared/messages/payload-schema";

/** A tag's value: anything printable; commas, spaces and equal signs are escaped by the store. */
const tagValue = z.string().check(
  z.minLength(1),
  z.maxLength(maxTagValueLength),
  z.regex(
    // oxlint-disable-next-line no-control-regex -- control characters are what it keeps out
    /^[^\u0000-\u001f\u007f]*[^\u0000-\u001f\u007f\\]$/,
    "expected no control character and no backslash at the end",
  ),
);
export const tags = atMost(maxTags, z.record(name, tagValue));

/** A column is checked by one plain loop, because columns hold almost all of a batch's bytes. */
const column = z.custom<Column>(isColumn, "expected a value, a list of them, or {e, d} with whole numbers");

/** A measurement in a batch: its name, its tags, its fields as columns. */
export const measurement = z.object({
  n: measurementName,
  tags: z.optional(tags),
  f: atMost(maxSpread.fieldsOfSeries, z.record(name, column)),
});
export type Measurement = z.infer<typeof measurement>;

/** Batches that left an outbox unsent: their numbers, both ends included, and what was in them. */
const gap = z.object({
  from: count,
  to: count,
  samples: z.optional(count),
  since: z.optional(epochMs),
  until: z.optional(epochMs),
  why: payloadText,
});
export type Gap = z.infer<typeof gap>;

/**
 * What one `metrics` message holds: samples of several instants. `outbox` and `seq` name the batch for the ack, and `run` the run of the
 * agent that gave the number: by it a number is known that was given twice, by an outbox that was put back or copied. `first` is the
 * lowest number that waits in the outbox: what is below it has left, so that a console whose state was put back does not await it. `t` is the
 * first instant on the device's wall clock, `dt` the offset of each instant from it in milliseconds. `mono` is the first
 * instant on the clock that `epoch` names (one that only grows), `age` how long before the sending that was, by the
 * same clock: by these the console places what a wrong wall clock has misplaced. A batch of no instants tells a gap.
 */
const envelope = {
  v: z.literal(1),
  outbox: token,
  seq: count,
  run: z.optional(token),
  first: z.optional(count),
  t: epochMs,
  epoch: z.optional(token),
  // Negative for an instant before the clock began: a program beside the agent may tell of an hour before the start.
  mono: z.optional(z.number()),
  age: z.optional(z.number().check(z.nonnegative())),
  dt: z.custom<number[]>(isOffsets, `expected at most ${maxInBatch.instants} offsets of 0 to ${maxInBatch.offset} ms`),
  dropped: z.optional(gap),
};
type Whole = Pick<z.infer<z.ZodMiniObject<typeof envelope>>, "seq" | "dt" | "dropped"> & { m: Measurement[] };
/** Whether so many batches can have held so many samples. */
const canHold = ({ from, to, samples = 0 }: Gap): boolean => samples <= Math.max(0, to - from + 1) * maxSpread.values;
/** What is asked of all its series, and of its numbers, together. */
const whole: z.core.$ZodCheck<Whole>[] = [
  z.refine(({ dt, m }) => m.every(({ f }) => Object.values(f).every((one) => fits(one, dt.length))), {
    error: "each field needs one value for each instant in dt, or one for all",
    path: ["m"],
  }),
  z.refine(({ dt, m }) => spreads(m, dt.length), {
    error: `too much: written out, a batch may have ${maxSpread.values} values of ${maxSpread.bytes / 1024 ** 2} MiB in ${maxSpread.fields} fields`,
    path: ["m"],
  }),
  z.refine(({ seq, dropped }) => dropped === undefined || seq - dropped.from <= maxUnsent, {
    error: `expected a number at most ${maxUnsent} below the batch's own`,
    path: ["dropped", "from"],
  }),
  z.refine(({ dropped }) => dropped === undefined || canHold(dropped), {
    error: `expected at most ${maxSpread.values} for each batch of the gap`,
    path: ["dropped", "samples"],
  }),
  z.refine(({ dt, m, dropped }) => dt.length > 0 || (m.length === 0 && dropped !== undefined), {
    error: "a batch without instants tells a gap, in dropped, and nothing else",
    path: ["dt"],
  }),
];
export const batch = z.object({ ...envelope, m: atMost(maxInBatch.series, z.array(measurement)) }).check(...whole);
export type Batch = z.infer<typeof batch>;

/** A batch whose series are not looked at yet; one whose series were, with what is asked of them together; one series, by its place. */
export const batchHead = z.object({ ...envelope, m: atMost(maxInBatch.series, z.array(z.unknown())) });
export const batchAssembled = z.object({ ...envelope, m: z.custom<Measurement[]>() }).check(...whole);
export const batchSeries = z.object({ m: z.record(z.string(), measurement) });

/** Ids of commands in one answer to a birth, those that are named twice counted twice: so many of the longest fit into a payload. */
export const maxToldCommands = 400;

/**
 * The console's word to an agent: the ranges of batch numbers of `outbox`, both ends included, that the store has taken.
 * `ts` is the console's present moment, by which the agent judges expiries. One with the `boot` of a run and without
 * ranges is the answer to that run's birth; with `refused` it tells the run that it may not go on, and why. Such an answer names the birth's
 * `session`, and in `open` commands of the device that are open, in several messages where there are many; `begun` are those among them that
 * the device, or another under its id, has said to be running. `doubted` are such as must not begin, and of which the console asks what became
 * of them. `run` is whose numbers
 * these are: no other run lets go of its own by it. With `begin` that run is to begin a new outbox, for the reason given.
 */
export const ack = z.object({
  outbox: z.optional(token),
  run: z.optional(token),
  boot: z.optional(token),
  session: z.optional(token),
  open: z.optional(atMost(maxToldCommands, z.array(token))),
  begun: z.optional(atMost(maxToldCommands, z.array(token))),
  doubted: z.optional(atMost(maxToldCommands, z.array(token))),
  ts: z.optional(epochMs),
  unsure: z.optional(z.enum(["ahead", "behind"])),
  ranges: atMost(1_000, z.array(z.tuple([count, count]))),
  refused: z.optional(payloadText),
  begin: z.optional(payloadText),
});
export type Ack = z.infer<typeof ack>;

/** @throws BadInputError */
export function readAck(payload: Buffer): Ack {
  const { value } = decode(payload, payloadCap);
  return isPlainAck(value) ? value : check(ack, value, "ack");
}

/** Whether `value` is an ack of batches that the schema takes as it is: the one of every sample, by a plain loop. It may say no to what the schema takes. */
export function isPlainAck(value: unknown): value is Ack {
  if (!isPlainObject(value)) return false;
  for (const key in value) if (key !== "outbox" && key !== "run" && key !== "ts" && key !== "ranges") return false;
  const { outbox, run, ts, ranges } = value;
  if (!isToken(outbox) || ("run" in value && !isToken(run)) || !isBetween(ts, 8.64e15)) return false;
  return Array.isArray(ranges) && ranges.length <= 1_000 && ranges.every(isRange);
}

function isRange(range: unknown): boolean {
  return Array.isArray(range) && range.length === 2 && isCount(range[0]) && isCount(range[1]);
}
