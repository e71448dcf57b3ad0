import type { Cell, Frame } from "./window.ts";

/** What charts are compared with: an earlier time, another device, or that device's earlier time. */
export interface ChartComparison {
  readonly before?: BeforeName | undefined;
  /** The other device's id. */
  readonly beside?: string | undefined;
}

/** How long before. Days are of 24 hours, and each is a whole number of any chart's steps: rows fall upon each other. */
export const earlier = [
  { name: "1d", said: "a day before", shift: 86_400_000 },
  { name: "7d", said: "a week before", shift: 7 * 86_400_000 },
] as const;

export type BeforeName = (typeof earlier)[number]["name"];

/** What an address says: `?before=1d`, `?beside=ID`. */
export function comparisonOf(search: string): ChartComparison {
  const query = new URLSearchParams(search);
  return {
    before: earlier.find(({ name }) => name === query.get("before"))?.name,
    beside: query.get("beside")?.trim() || undefined,
  };
}

/** The same behind an address' query of the time. */
export function withComparison(query: string, comparison: ChartComparison): string {
  const all = new URLSearchParams(query);
  for (const [name, value] of Object.entries(comparison)) if (value !== undefined) all.set(name, String(value));
  return all.size === 0 ? "" : `?${all.toString()}`;
}

const earlierOf = (before: BeforeName) => earlier.find(({ name }) => name === before);

/** An earlier time, as it is called. */
export const saidOf = (before: BeforeName): string => earlierOf(before)?.said ?? before;

/** Milliseconds that it is shifted, and its words behind a line's name; undefined where nothing is compared. */
export function shiftOf({
  before,
  beside,
}: ChartComparison): { readonly shift: number; readonly said: string } | undefined {
  const back = before === undefined ? undefined : earlierOf(before);
  const said = [beside, back?.said].filter((one) => one !== undefined).join(", ");
  return said === "" ? undefined : { shift: back?.shift ?? 0, said };
}

/** A chart's lines with those of another time or device behind them: at the same places, under names of their own. */
export function laidBeside(frame: Frame, other: Frame, { shift, said }: { shift: number; said: string }): Frame {
  const moved = other.times.map((ts) => ts + shift);
  const times = [...new Set([...frame.times, ...moved])].sort((a, b) => a - b);
  const rows = new Map(times.map((ts, row) => [ts, row]));
  const spread = <T = Cell>(own: readonly number[], cells: readonly T[]): (T | undefined)[] => {
    const all = Array.from<T | undefined>({ length: times.length });
    for (const [index, ts] of own.entries()) all[rows.get(ts) ?? 0] = cells[index];
    return all;
  };
  const names = frame.lines.map(({ name }) => name);
  return {
    ...frame,
    times,
    lines: [
      ...frame.lines.map(({ name, cells, ends }) => ({
        name,
        cells: spread(frame.times, cells),
        ...(ends ? { ends: spread(frame.times, ends) } : {}),
      })),
      ...other.lines.map(({ name, cells }, index) => ({
        name: `${name}, ${said}`,
        cells: spread(moved, cells),
        // What this device has no line for has a colour behind those of its lines.
        pairedWith: names.includes(name) ? names.indexOf(name) : names.length + index,
      })),
    ],
  };
}
