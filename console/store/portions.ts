import { unpack } from "#shared/columns";
import type { SeriesColumns } from "./store.ts";

/**
 * What is written at once at most, so that nothing else waits longer than some 10 ms: values, with so many more for each row and each
 * series as it costs. What agents send in one batch by default is a fiftieth of it.
 */
export const portion = { weight: 5_000, row: 4, series: 8 };

/** Whether all of it is one portion. */
export function isQuick(series: readonly SeriesColumns[]): boolean {
  let weight = 0;
  for (const one of series) weight += portion.series + one.times.length * weightOf(one);
  return weight <= portion.weight;
}

/** The series in portions, in order; a long one is cut. */
export function* portionsOf(series: readonly SeriesColumns[]): Iterable<readonly SeriesColumns[]> {
  let current: SeriesColumns[] = [];
  let room = portion.weight;
  for (const one of series) {
    const weight = weightOf(one);
    room -= portion.series;
    for (let from = 0; from < one.times.length;) {
      const rows = Math.max(1, Math.min(one.times.length - from, Math.floor(room / weight)));
      current.push(cut(one, from, from + rows));
      from += rows;
      room -= rows * weight;
      if (room >= weight) continue;
      yield current;
      current = [];
      room = portion.weight;
    }
  }
  if (current.length > 0) yield current;
}

/** Of one row. */
function weightOf({ fields }: SeriesColumns): number {
  return Object.keys(fields).length + portion.row;
}

function cut(series: SeriesColumns, from: number, to: number): SeriesColumns {
  if (from === 0 && to === series.times.length) return series;
  const { length } = series.times;
  const fields = Object.entries(series.fields).map(([field, column]) => [
    field,
    typeof column === "object" ? unpack(column, length).slice(from, to) : column,
  ]);
  return {
    ...series,
    times: series.times.slice(from, to),
    fields: Object.fromEntries(fields) as SeriesColumns["fields"],
  };
}
