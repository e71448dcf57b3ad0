import * as z from "zod/mini";
import { batchCap, decode } from "#shared/codec";
import { BadInputError } from "#shared/errors";
import { check, count, epochMs, read, text, token } from "#shared/messages/schema";

/** One value of a field at one instant; null where there was none. */
export type FieldValue = number | string | boolean | null;
/** A field's values, one for each instant of its batch. */
export type Column = readonly FieldValue[];

/** A measurement's or a field's name: printable, no line-protocol or MQTT syntax at its ends, never a newline. */
export const name = z
  .string()
  .check(
    z.regex(
      /^[A-Za-z0-9_][A-Za-z0-9 ._:/%-]{0,127}$/,
      "expected a name of 1 to 128 letters, digits, spaces and . _ : / % -",
    ),
  );
/** A tag's value: anything printable; commas, spaces and equal signs are escaped by the store. */
const tagValue = z.string().check(
  z.minLength(1),
  z.maxLength(256),
  z.regex(
    // oxlint-disable-next-line no-control-regex -- control characters are what it keeps out
    /^[^\u0000-\u001f\u007f]*[^\u0000-\u001f\u007f\\]$/,
    "expected no control character and no backslash at the end",
  ),
);
const tags = z.record(name, tagValue);

/** A column is checked by one plain loop, because it holds almost all of a batch's bytes. */
const column = z.custom<Column>(isColumn, "expected a list of numbers, strings, booleans and nulls");

function isColumn(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  for (const item of value) {
    if (typeof item === "number" || typeof item === "boolean" || item === null) continue;
    if (typeof item !== "string" || item.length > 1_024) return false;
  }
  return true;
}

/** A measurement in a batch: its name, its tags, its fields as columns. */
export const measurement = z.object({ n: name, tags: z.optional(tags), f: z.record(name, column) });
export type Measurement = z.infer<typeof measurement>;

/**
 * What one `metrics` message holds: samples of several instants. `boot` and `seq` name the batch for the ack;
 * `t` is the first instant on the wall clock, `mono` the same instant in milliseconds since the boot began,
 * `dt` the offset of each instant from it.
 */
export const batch = z
  .object({
    v: z.literal(1),
    boot: token,
    seq: count,
    t: epochMs,
    mono: z.optional(z.number().check(z.nonnegative())),
    dt: z.array(z.number().check(z.nonnegative(), z.lte(86_400_000))).check(z.minLength(1), z.maxLength(10_000)),
    m: z.array(measurement).check(z.maxLength(2_000)),
    dropped: z.optional(z.object({ from: count, to: count, why: text })),
  })
  .check(
    z.refine(
      (value) => value.m.every((one) => Object.values(one.f).every((values) => values.length === value.dt.length)),
      {
        error: "each field needs one value for each instant in dt",
        path: ["m"],
      },
    ),
  );
export type Batch = z.infer<typeof batch>;

export const readBatch = (payload: Buffer): Batch => read(batch, payload, "batch", batchCap).value;

const values = z
  .record(
    name,
    z.union(
      [z.number(), z.string().check(z.maxLength(1_024)), z.boolean()],
      "expected a number, a string or a boolean",
    ),
  )
  .check(z.refine((fields) => Object.keys(fields).length > 0, "expected at least one field"));
const explicitSample = z.object({ ts: z.optional(epochMs), tags: z.optional(tags), values });

/** The simple form, for an ESP32 or `mosquitto_pub`: `{ts, tags, values}`, or the fields alone. */
export type SimpleSample = z.infer<typeof explicitSample>;

/** Simple samples in one message at most. */
const mostSamples = 1_000;

/** One simple sample or a list of them. @throws BadInputError */
export function readSimple(payload: Buffer): readonly SimpleSample[] {
  const { value } = decode(payload);
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0 || list.length > mostSamples)
    throw new BadInputError(`expected 1 to ${mostSamples} samples, got ${list.length}`);
  return list.map((one) =>
    isExplicit(one) ? check(explicitSample, one, "sample") : { values: check(values, one, "sample") },
  );
}

/** A field may be called `values` too, but no field's value is an object. */
function isExplicit(sample: unknown): boolean {
  return typeof sample === "object" && sample !== null && "values" in sample && typeof sample.values === "object";
}

/**
 * The console's word to one agent run: the ranges of batch numbers, both ends included, that the store has taken.
 * `ts` is the console's present moment, by which the
 * agent judges expiries; one without ranges is the answer to a birth. `refused` tells an agent that it may not go on, and why.
 */
export const ack = z.object({
  boot: token,
  ts: z.optional(epochMs),
  ranges: z.array(z.tuple([count, count])).check(z.maxLength(1_000)),
  refused: z.optional(text),
});
export type Ack = z.infer<typeof ack>;

export const readAck = (payload: Buffer): Ack => read(ack, payload, "ack").value;
