import type { Frame } from "./window.ts";

/** Lines named beside a chart at most: a machine may have hundreds of file systems, and the chart below is to stay in view. */
export const maxLegendLines = 8;

/** One name beside a chart. */
export interface Named {
  readonly name: string;
  /** Which of the lines it is: its colour. */
  readonly index: number;
  readonly value: number | undefined;
}

/**
 * The lines that are named, in their order, each with its newest value or the one at the row that is pointed at. Of too many, those
 * with the highest values. @returns also how many are left out
 */
export function namedLines(
  lines: Frame["lines"],
  pointed: number | undefined,
): { readonly named: readonly Named[]; readonly more: number } {
  const all = lines.map(({ name, cells }, index): Named => {
    const value = pointed === undefined ? cells.findLast((cell) => typeof cell === "number") : cells[pointed];
    return { name, index, value: typeof value === "number" ? value : undefined };
  });
  const highest = all.toSorted((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity) || a.index - b.index);
  const named = highest.slice(0, maxLegendLines).toSorted((a, b) => a.index - b.index);
  return { named, more: all.length - named.length };
}
