import { batchCap, decode } from "#shared/codec";
import { asError, BadInputError } from "#shared/errors";
import { fieldsIn, maxInBatch, maxSpread } from "#shared/messages/batch-check";
import { nameIn, batchNameOf, type BatchName } from "#shared/messages/batch-name";
import { batchAssembled, batchHead, batchSeries, type Batch, type Measurement } from "#shared/messages/metrics";
import { isPlainBatch, isPlainSeries } from "#shared/messages/plain-batch";
import { check } from "#shared/messages/payload-schema";
import { batchOf } from "#shared/messages/short-batch";

/** What a payload on `metrics` is: a batch, or what will never be one however often it is sent. */
export type BatchReading = { readonly kind: "batch"; readonly batch: Batch } | UnfitBatch;

export interface UnfitBatch {
  readonly kind: "unfit";
  /** What it can be acknowledged by; undefined where not even that can be read. */
  readonly name: BatchName | undefined;
  readonly why: string;
  /** The key at the fault, or the payload; with the measurement where it is in a series. */
  readonly where: { readonly measurement?: string; readonly field: string };
  /** The value there. */
  readonly value: unknown;
  /** Series' values at one instant, as far as can be told. */
  readonly samples: number | undefined;
}

/** From bytes to a verdict: cap, codec, nesting, check and schema in one step, which never throws. */
export function judgeBatch(payload: Buffer): BatchReading {
  let value: unknown;
  try {
    value = decode(payload, batchCap).value;
  } catch (thrown) {
    return unfit(thrown, payload, undefined);
  }
  try {
    if (Array.isArray(value)) value = batchOf(value);
    return { kind: "batch", batch: asBatch(value) };
  } catch (thrown) {
    return unfit(thrown, payload, value);
  }
}

/** @throws BadInputError */
export function readBatch(payload: Buffer): Batch {
  const { value } = decode(payload, batchCap);
  return asBatch(Array.isArray(value) ? batchOf(value) : value);
}

/** A decoded batch. @throws BadInputError */
function asBatch(value: unknown): Batch {
  return isPlainBatch(value) ? value : checkBatch(value);
}

/**
 * The same as the schema, series by series until one is wrong: of a message with 30,000 faults the schema would gather them all,
 * which takes a tenth of a second, and three are told.
 */
function checkBatch(value: unknown): Batch {
  const { m, ...rest } = check(batchHead, value, "batch");
  let fields = 0;
  const series = m.map((one, at) => {
    if ((fields += fieldsIn(one)) > maxSpread.fields)
      throw new BadInputError(`batch is not valid: m: expected at most ${maxSpread.fields} fields in all`, {
        path: ["m"],
      });
    if (isPlainSeries(one, rest.dt.length)) return one;
    return check(batchSeries, { m: { [at]: one } }, "batch").m[at] as Measurement;
  });
  return check(batchAssembled, { ...rest, m: series }, "batch");
}

function unfit(thrown: unknown, payload: Buffer, value: unknown): UnfitBatch {
  const error = asError(thrown);
  const path = error instanceof BadInputError ? error.path : [];
  return {
    kind: "unfit",
    name: batchNameOf(value) ?? (value === undefined ? nameIn(payload) : undefined),
    why: error.message,
    where: placeOf(path, value),
    value: path.reduce(entryOf, value),
    samples: samplesIn(value),
  };
}

/** `m.3.f.room` is the field `room` of the series' measurement. */
function placeOf(path: readonly PropertyKey[], value: unknown): UnfitBatch["where"] {
  const [m, at, part, ...rest] = path.map(String);
  if (m === undefined) return { field: "(payload)" };
  if (m !== "m" || at === undefined || part === undefined) return { field: m };
  const measurement = ["m", at, "n"].reduce(entryOf, value);
  const field = part === "f" ? rest.join(".") : [part, ...rest].join(".");
  return typeof measurement === "string" ? { measurement, field } : { field };
}

function entryOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined;
}

/** No more than a batch can have: it is what somebody claims. */
function samplesIn(value: unknown): number | undefined {
  const [dt, m] = [entryOf(value, "dt"), entryOf(value, "m")];
  if (!Array.isArray(dt) || !Array.isArray(m)) return undefined;
  return Math.min(maxSpread.values, Math.min(dt.length, maxInBatch.instants) * Math.min(m.length, maxInBatch.series));
}
