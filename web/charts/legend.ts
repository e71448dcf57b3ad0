import type { Ends } from "./readings.ts";
import type { Cell, Frame } from "./window.ts";

/** Lines named beside a chart at most: a machine may have hundreds of file systems, and the chart below is to stay in view. */
export const maxLegendLines = 8;

/** One name beside a chart. */
export interface Named {
  readonly name: string;
  /** Which of the lines it is: its colour. */
  readonly index: number;
  /** Whether it is there to be compared with, and paler. */
  readonly paler?: true;
  readonly value: number | undefined;
  /** Between which values that one lies, where it is pointed at and the mean of several. */
  readonly ends?: Ends;
}

/**
 * The lines that are named, in their order, each with its newest value or the one at the row that is pointed at. Of too many, those
 * with the highest values. @returns also how many are left out
 */
export function namedLines(
  lines: Frame["lines"],
  pointed: number | undefined,
): { readonly named: readonly Named[]; readonly more: number } {
  // Other times and devices have moments of their own: there the last one before it counts.
  const own = lines.every(({ pairedWith }) => pairedWith === undefined);
  const all = lines.map(({ name, cells, ends, pairedWith }, index): Named => {
    const until = pointed === undefined || own ? cells : cells.slice(0, pointed + 1);
    const at = (): Cell => (own ? cells[pointed ?? 0] : until.findLast((cell) => cell !== undefined));
    const value = pointed === undefined ? until.findLast((cell) => typeof cell === "number") : at();
    const number = typeof value === "number" ? value : undefined;
    const between = pointed === undefined || number === undefined ? undefined : ends?.[pointed];
    return {
      name,
      index: pairedWith ?? index,
      value: number,
      ...(pairedWith === undefined ? {} : { paler: true }),
      ...(between && between[0] < between[1] ? { ends: between } : {}),
    };
  });
  const highest = all.toSorted((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity) || 0);
  const kept = new Set(highest.slice(0, maxLegendLines));
  const named = all.filter((one) => kept.has(one));
  return { named, more: all.length - named.length };
}
