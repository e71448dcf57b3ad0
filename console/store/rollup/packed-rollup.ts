import { ByteWriter } from "../stretch/byte-writer.ts";
import { DamagedStretchError, type ByteReader } from "../stretch/byte-reader.ts";
import { opened, readColumn, sealed, writeColumn } from "../stretch/packed-column.ts";
import { readWholes, writeWholes } from "../stretch/packed-wholes.ts";
import type { Rollup, Slot } from "./rollup.ts";

/** Steps of one roll-up at most: what a damaged count may ask for. */
export const maxSlots = 1_440;

/** A roll-up as it stands in the file, with a checksum before it. */
export function packRollup({ numbers, states }: Rollup): Uint8Array {
  const to = new ByteWriter();
  const slots = [...numbers.values()];
  writePlaces(to, [...numbers.keys()]);
  if (slots.length > 0) {
    const isFlat = slots.every(({ low, high }) => low === high);
    to.byte(isFlat ? 1 : 0);
    writeWholes(
      to,
      slots.map(({ count }) => count),
    );
    writeColumn(
      to,
      slots.map(({ low }) => low),
    );
    // Of what was the same for as long as a step, the rest follows.
    if (!isFlat)
      for (const column of [slots.map(({ high }) => high), slots.map(({ sum }) => short(sum))]) writeColumn(to, column);
  }
  writePlaces(to, [...states.keys()]);
  if (states.size > 0) writeColumn(to, [...states.values()]);
  return sealed(to);
}

/** What {@link packRollup} has packed, as columns. */
export interface UnpackedRollup {
  readonly places: Float64Array;
  readonly counts: Float64Array;
  readonly sums: readonly number[];
  readonly lows: readonly number[];
  readonly highs: readonly number[];
  readonly statePlaces: Float64Array;
  readonly states: readonly (string | boolean)[];
}

/** @throws DamagedStretchError */
export function unpackRollup(packed: Uint8Array): UnpackedRollup {
  const from = opened(packed);
  const places = readPlaces(from);
  const { length } = places;
  const isFlat = length === 0 || from.byte() === 1;
  const counts = length === 0 ? places : readWholes(from, length);
  const lows = length === 0 ? [] : (readColumn(from, length) as number[]);
  const highs = isFlat ? lows : (readColumn(from, length) as number[]);
  const sums = isFlat ? lows.map((low, at) => low * counts[at]!) : (readColumn(from, length) as number[]);
  const statePlaces = readPlaces(from);
  const states = statePlaces.length > 0 ? (readColumn(from, statePlaces.length) as (string | boolean)[]) : [];
  return { places, counts, sums, lows, highs, statePlaces, states };
}

/** The same as {@link packRollup} takes it. */
export function rollupOf({ places, counts, sums, lows, highs, statePlaces, states }: UnpackedRollup): Rollup {
  const slotAt = (at: number): Slot => ({ count: counts[at]!, sum: sums[at]!, low: lows[at]!, high: highs[at]! });
  return {
    numbers: new Map(Array.from(places, (place, at) => [place, slotAt(at)])),
    states: new Map(Array.from(statePlaces, (place, at) => [place, states[at]!])),
  };
}

function writePlaces(to: ByteWriter, places: readonly number[]): void {
  to.varint(places.length);
  writeWholes(to, places);
}

function readPlaces(from: ByteReader): Float64Array {
  const count = from.varint();
  if (count > maxSlots) throw new DamagedStretchError(`it says that it has ${count} steps`);
  return readWholes(from, count);
}

/** Without what adding up has left behind the last decimal place: 0.1 + 0.2 is three bytes as 0.3. */
function short(sum: number): number {
  const rounded = Number(sum.toPrecision(15));
  return Math.abs(rounded - sum) <= Math.abs(sum) * Number.EPSILON ? rounded : sum;
}
