import { maxInBatch } from "#shared/messages/batch-check";
import { toColumns, type Columns, type Instant } from "../metrics/to-columns.ts";
import type { Reading } from "../collectors/collector.ts";

/** A reading with its time: `at` on the wall clock, as it was told; `up` where that was on the machine's uptime, never in the future. */
export interface Timed {
  readonly at: number;
  readonly up: number;
  readonly reading: Reading;
}

/** Bytes that a batch is meant to have at most: half of what the console takes, because this is an estimate. */
const cap = 128 * 1024;
/** Milliseconds by which wall clock and uptime may differ within a batch; beyond, the wall clock was set between two readings. */
const tolerance = 1_000;

/**
 * Readings of many times as batches. Unlike the agent's own samples these need not have much in common: a column has a place for each
 * instant of its batch, so batches end before the empty places outweigh the values.
 */
export function toBatches(readings: readonly Timed[]): Columns[] {
  const batches: Batch[] = [];
  for (const timed of [...readings].sort((a, b) => a.at - b.at)) {
    let batch = batches.at(-1);
    if (!batch?.takes(timed)) batches.push((batch = new Batch(timed)));
    batch.add(timed);
  }
  return batches.map((batch) => batch.columns());
}

class Batch {
  readonly #first: Timed;
  readonly #instants: [Instant, ...Instant[]];
  #readings: Reading[] = [];
  readonly #columns = new Map<string, Set<string>>();
  #fields = 0;
  #bytes = 0;

  constructor(first: Timed) {
    this.#first = first;
    this.#instants = [instant(first, this.#readings)];
  }

  takes({ at, up, reading }: Timed): boolean {
    const { at: first, up: firstUp } = this.#first;
    if (at - first > maxInBatch.offset || Math.abs(at - up - (first - firstUp)) > tolerance) return false;
    const empty = (this.#fields + Object.keys(reading.fields).length) * (this.#instants.length + 1);
    return this.#columns.size < maxInBatch.series && this.#bytes + empty + 2 * weight(reading) <= cap;
  }

  add(timed: Timed): void {
    const { reading } = timed;
    if (timed.at !== this.#instants.at(-1)?.at) {
      this.#readings = [];
      this.#instants.push(instant(timed, this.#readings));
    }
    this.#readings.push(reading);
    const key = JSON.stringify([reading.measurement, reading.tags]);
    const known = this.#columns.get(key);
    const fields = known ?? new Set<string>();
    for (const field of Object.keys(reading.fields)) {
      if (!fields.has(field)) this.#fields += 1;
      fields.add(field);
    }
    this.#columns.set(key, fields);
    this.#bytes += known ? valuesWeight(reading) : weight(reading);
  }

  columns(): Columns {
    return { ...toColumns(this.#instants), mono: this.#first.up };
  }
}

/** One clock for all three, so that the offsets between instants are exactly those that were told. */
function instant({ at }: Timed, readings: readonly Reading[]): Instant {
  return { at, mono: at, up: at, readings };
}

function weight(reading: Reading): number {
  return 3 * JSON.stringify(reading).length;
}

function valuesWeight({ fields }: Reading): number {
  let bytes = 5;
  for (const value of Object.values(fields)) bytes += typeof value === "string" ? 3 * value.length : 9;
  return bytes;
}
