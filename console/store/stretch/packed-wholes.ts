import { DamagedStretchError, type ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** Whole numbers of this magnitude at most: differences of differences of them, doubled for their sign, are exact below 2^53. */
export const maxWhole = 2 ** 49;

/**
 * Whole numbers, as their differences (of a gauge) or the differences of those (of a counter, or of times), whichever is smaller: in units of
 * the greatest number that divides all of them (memory comes in pages), small ones in a byte, and a run of zeros in two.
 * @param values each whole and of {@link maxWhole} at most
 */
export function writeWholes(to: ByteWriter, values: ArrayLike<number>): void {
  if (values.length === 0) return;
  const first = values[0]!;
  const unit = unitOf(values, first);
  const once = differences(values, unit);
  const twice = differences(once, 1);
  const isTwice = costOf(twice) < costOf(once);
  to.byte(isTwice ? 2 : 1);
  to.signed(first);
  to.varint(unit);
  writeRuns(to, isTwice ? twice : once);
}

/** @throws DamagedStretchError */
export function readWholes(from: ByteReader, count: number): Float64Array {
  const values = new Float64Array(count);
  if (count === 0) return values;
  const order = from.byte();
  if (order !== 1 && order !== 2) throw new DamagedStretchError(`its numbers are packed in an unknown way (${order})`);
  const first = from.signed();
  const unit = from.varint();
  const isTwice = order === 2;
  values[0] = first;
  let step = 0;
  let sum = 0;
  for (let at = 1; at < count;) {
    const difference = from.signed();
    if (difference !== 0) {
      step = isTwice ? step + difference : difference;
      sum += step;
      values[at++] = first + sum * unit;
      continue;
    }
    let run = from.varint() + 1;
    if (at + run > count) throw new DamagedStretchError("it has more numbers than times");
    for (; run > 0; run -= 1, at += 1) {
      if (isTwice) sum += step;
      values[at] = first + sum * unit;
    }
  }
  return values;
}

/** The first stands for itself, and has no difference: 0. */
function differences(values: ArrayLike<number>, unit: number): Float64Array {
  const result = new Float64Array(values.length);
  for (let at = 1; at < values.length; at += 1) result[at] = (values[at]! - values[at - 1]!) / unit;
  return result;
}

function writeRuns(to: ByteWriter, differences: Float64Array): void {
  for (let at = 1; at < differences.length; at += 1) {
    const difference = differences[at]!;
    to.signed(difference);
    if (difference !== 0) continue;
    const begun = at;
    while (at + 1 < differences.length && differences[at + 1] === 0) at += 1;
    to.varint(at - begun);
  }
}

function costOf(differences: Float64Array): number {
  let bytes = 0;
  let isRun = false;
  for (let at = 1; at < differences.length; at += 1) {
    const difference = differences[at]!;
    const magnitude = Math.abs(difference);
    if (difference === 0) {
      if (!isRun) bytes += 2;
      isRun = true;
      continue;
    }
    isRun = false;
    bytes += magnitude < 64 ? 1 : magnitude < 8_192 ? 2 : magnitude < 1_048_576 ? 3 : 5;
  }
  return bytes;
}

/** The greatest whole number that divides all distances from the first; 1 where there is none, or no distance. */
function unitOf(values: ArrayLike<number>, first: number): number {
  let unit = 0;
  for (let at = 1; at < values.length && unit !== 1; at += 1) {
    let [larger, smaller] = [unit, Math.abs(values[at]! - first)];
    while (smaller > 0) [larger, smaller] = [smaller, larger % smaller];
    unit = larger;
  }
  return unit || 1;
}
