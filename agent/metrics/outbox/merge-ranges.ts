import type { AckRange } from "./record.ts";

/** The same numbers in ranges that neither overlap nor touch: then all of them together cost no more than the numbers here. */
export function mergeRanges(ranges: readonly AckRange[]): AckRange[] {
  const merged: [number, number][] = [];
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}
