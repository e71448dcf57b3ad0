import type { Frame, Line } from "./window.ts";

/** Between which values a chart's axis has to reach: with those that its means hide, and those at which something is marked. */
export function endsOf(
  { lines }: Frame,
  min: number,
  max: number,
  marked: readonly number[] = [],
): [min: number, max: number] {
  [min, max] = [Math.min(min, ...marked), Math.max(max, ...marked)];
  for (const { ends = [] } of lines)
    for (const one of ends) {
      if (!one) continue;
      min = Math.min(min, one[0]);
      max = Math.max(max, one[1]);
    }
  return [min, max];
}

/** Rows that belong together: between two gaps. Rows that other lines alone have a value at are left out. */
export function runsOf({ ends = [], cells }: Pick<Line, "ends" | "cells">): readonly (readonly number[])[] {
  const runs: number[][] = [[]];
  for (const [row, cell] of cells.entries()) {
    if (cell === null) runs.push([]);
    else if (cell !== undefined && ends[row]) runs.at(-1)?.push(row);
  }
  return runs.filter((run) => run.length > 0);
}
