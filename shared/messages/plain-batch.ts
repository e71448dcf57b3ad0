import {
  fieldsIn,
  isBetween,
  isCount,
  isFields,
  isOffsets,
  isPlainObject,
  isTags,
  isToken,
  maxInBatch,
  maxSpread,
  spreads,
} from "#shared/messages/batch-check";
import type { Batch, Measurement } from "#shared/messages/metrics";
import { isMeasurement } from "#shared/messages/names";

/**
 * Whether `value` is a batch that the schema in `metrics.ts` takes as it is. The schema is the reference and has the words
 * for what is wrong; this is the same by plain loops, because the schema takes more time for a batch than everything
 * that is done with it afterwards. It may say no to what the schema takes, such as keys that it leaves out, never yes to
 * what it refuses: a test compares the two.
 */
export function isPlainBatch(value: unknown): value is Batch {
  if (!isPlainObject(value)) return false;
  for (const key in value) if (!batchKeys.has(key)) return false;
  const { v, outbox, seq, run, first, t, epoch, mono, age, dt, m } = value;
  if (v !== 1 || !isToken(outbox) || !isCount(seq) || !isBetween(t, 8.64e15)) return false;
  if ("run" in value && !isToken(run)) return false;
  if ("first" in value && !isCount(first)) return false;
  if ("epoch" in value && !isToken(epoch)) return false;
  if ("mono" in value && !Number.isFinite(mono)) return false;
  if ("age" in value && !isBetween(age, Number.MAX_VALUE)) return false;
  return isOffsets(dt) && dt.length > 0 && isSeries(m, dt.length) && spreads(m, dt.length);
}

const batchKeys = new Set(["v", "outbox", "seq", "run", "first", "t", "epoch", "mono", "age", "dt", "m"]);

function isSeries(m: unknown, length: number): m is Batch["m"] {
  if (!Array.isArray(m) || m.length > maxInBatch.series) return false;
  let fields = 0;
  for (const one of m as unknown[])
    if (!isPlainSeries(one, length) || (fields += fieldsIn(one)) > maxSpread.fields) return false;
  return true;
}

/** Whether `one` is a series of a batch of `length` instants that the schema takes as it is. */
export function isPlainSeries(one: unknown, length: number): one is Measurement {
  if (!isPlainObject(one)) return false;
  for (const key in one) if (key !== "n" && key !== "tags" && key !== "f") return false;
  const { n, tags, f } = one;
  return isMeasurement(n) && (!("tags" in one) || isTags(tags)) && isFields(f, length);
}
