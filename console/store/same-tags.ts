import type { SeriesColumns } from "./store.ts";

/** Whether two series of a measurement are one: the same tags with the same values, whatever their order. Nothing is made for it: it is asked for every series of every batch. */
export function sameTags(one: SeriesColumns["tags"], other: SeriesColumns["tags"]): boolean {
  if (one === other) return true;
  let left = 0;
  for (const name in one) {
    if (one[name] !== other[name]) return false;
    left += 1;
  }
  for (const _ in other) left -= 1;
  return left === 0;
}
