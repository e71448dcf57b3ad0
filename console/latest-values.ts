import { lastValue, type FieldValue } from "#shared/columns";
import type { Sample } from "./device.ts";
import type { SeriesColumns } from "./store/store.ts";

/** One series' newest row; `values[i]` belongs to `fields[i]`. */
interface Newest {
  readonly measurement: string;
  readonly tags: SeriesColumns["tags"];
  ts: number;
  readonly fields: string[];
  readonly values: FieldValue[];
}

/** Series of one device whose newest values are kept at most: their names come from outside. */
const mostSeries = 2_000;

/**
 * The newest values of one device. Batches of a device have mostly the same series in the same order, so each is looked for
 * where it was the last time before it is looked up by its name; and the values are overwritten in place. Nothing is made
 * but when somebody asks.
 */
export class LatestValues {
  readonly #byKey = new Map<string, Newest>();
  /** In the order of the last batch. */
  readonly #order: Newest[] = [];

  /** Keeps rows that are not older than the ones known. */
  observe(series: readonly SeriesColumns[]): void {
    for (const [position, one] of series.entries()) {
      const newest = this.#find(one, position);
      const ts = one.times.at(-1);
      if (!newest || ts === undefined || ts < newest.ts) continue;
      newest.ts = ts;
      overwrite(newest, one.fields);
    }
  }

  list(): Sample[] {
    return [...this.#byKey.values()].map(({ measurement, tags, ts, fields, values }) => {
      const known: Record<string, Exclude<FieldValue, null>> = {};
      for (const [index, field] of fields.entries()) {
        const value = values[index] ?? null;
        if (value !== null) known[field] = value;
      }
      return { measurement, tags, ts, fields: known };
    });
  }

  #find(one: SeriesColumns, position: number): Newest | undefined {
    const guess = this.#order[position];
    if (guess && guess.measurement === one.measurement && sameTags(guess.tags, one.tags)) return guess;
    const found = this.#lookUp(one);
    if (found && position <= this.#order.length) this.#order[position] = found;
    return found;
  }

  #lookUp({ measurement, tags }: SeriesColumns): Newest | undefined {
    const key = JSON.stringify([measurement, Object.entries(tags).sort()]);
    const known = this.#byKey.get(key);
    if (known || this.#byKey.size >= mostSeries) return known;
    const made: Newest = { measurement, tags, ts: -Infinity, fields: [], values: [] };
    this.#byKey.set(key, made);
    return made;
  }
}

function overwrite(newest: Newest, fields: SeriesColumns["fields"]): void {
  let count = 0;
  for (const field in fields) {
    if (newest.fields[count] !== field) newest.fields[count] = field;
    newest.values[count] = lastValue(fields[field]!);
    count += 1;
  }
  newest.fields.length = count;
  newest.values.length = count;
}

function sameTags(one: SeriesColumns["tags"], other: SeriesColumns["tags"]): boolean {
  let left = 0;
  for (const name in one) {
    if (one[name] !== other[name]) return false;
    left += 1;
  }
  for (const _ in other) left -= 1;
  return left === 0;
}
