import { unpack, type Column, type FieldValue } from "#shared/columns";
import { maxInBatch } from "#shared/messages/batch-check";
import type { SeriesColumns } from "../../store/store.ts";

/** Twice the series that a batch may have, so that a free place is near; a power of two, so that a place is told by a mask. */
const places = 2 ** Math.ceil(Math.log2(2 * maxInBatch.series));

/**
 * Tells whether a series comes twice in one batch, where all series share their instants: the second would overwrite the first. A table
 * that is used again for each batch, because nearly none has such a thing and every one is looked at.
 */
export class BatchSeries {
  readonly #hashes = new Float64Array(places);
  readonly #positions = new Uint16Array(places);
  /** In which batch a place was taken. */
  readonly #turns = new Uint32Array(places);
  #turn = 0;

  /** The next batch. */
  begin(): void {
    this.#turn = (this.#turn + 1) >>> 0;
    if (this.#turn !== 0) return;
    this.#turns.fill(0);
    this.#turn = 1;
  }

  /** @param hash of the series, as whole number @param position of it in the batch @returns that of an earlier one of the same hash */
  first(hash: number, position: number): number | undefined {
    let place = (hash >>> 0) & (places - 1);
    while (this.#turns[place] === this.#turn) {
      if (this.#hashes[place] === hash) return this.#positions[place];
      place = (place + 1) & (places - 1);
    }
    this.#turns[place] = this.#turn;
    this.#hashes[place] = hash;
    this.#positions[place] = position;
    return undefined;
  }
}

/** Values of a field that say something else than an earlier series of the batch: the first of them, and at how many instants. */
export interface Other {
  readonly field: string;
  readonly sample: FieldValue;
  readonly count: number;
}

/** What the series of one batch have said, of which there are several by one name. */
export class Said {
  readonly #values = new Map<SeriesColumns, Map<string, readonly FieldValue[]>>();

  /**
   * Other fields are merged by the store, and the same value is a repetition; another one is left out.
   * @param first the first series of that name
   * @returns what of the other can be stored beside it
   */
  sift(first: SeriesColumns, series: SeriesColumns): { readonly rest: SeriesColumns | undefined; others: Other[] } {
    const said = this.#of(first);
    const fields: [string, Column][] = [];
    const others: Other[] = [];
    for (const [field, column] of Object.entries(series.fields)) {
      const values = unpack(column, series.times.length);
      const earlier = said.get(field);
      const kept = values.map((value, at) => (isOther(value, earlier?.[at]) ? null : value));
      said.set(field, earlier ? earlier.map((value, at) => value ?? kept[at] ?? null) : values);
      const count = values.filter((value, at) => value !== kept[at]).length;
      if (count === 0) fields.push([field, column]);
      else {
        const sample = values.find((value, at) => value !== kept[at]) ?? null;
        others.push({ field, sample, count });
        if (kept.some((value) => value !== null)) fields.push([field, kept]);
      }
    }
    const rest = fields.length > 0 ? { ...series, fields: Object.fromEntries(fields) } : undefined;
    return { rest, others };
  }

  #of(series: SeriesColumns): Map<string, readonly FieldValue[]> {
    const known = this.#values.get(series);
    if (known) return known;
    const { fields, times } = series;
    const said = new Map(Object.entries(fields).map(([field, column]) => [field, unpack(column, times.length)]));
    this.#values.set(series, said);
    return said;
  }
}

function isOther(value: FieldValue, earlier: FieldValue | undefined): boolean {
  return value !== null && earlier !== null && earlier !== undefined && value !== earlier;
}
