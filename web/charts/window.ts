import type { SampleValue } from "#api/device-routes";
import type { Panel } from "./panels.ts";
import type { ChartReading, Ends } from "./readings.ts";

/** A value, `null` for a gap that is drawn as one, `undefined` where another line alone has a value. */
export type Cell = number | null | undefined;

export interface Line {
  readonly name: string;
  readonly cells: readonly Cell[];
  /** Between which values each of the cells lies, where they are means of several that differ. */
  readonly ends?: readonly (Ends | undefined)[];
  /** Of a line that is there to be compared with: the number of the one whose colour it has, paler. */
  readonly pairedWith?: number;
}

/** What a chart draws: the moments, and for each line its name and one cell a moment. */
export interface Frame {
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** How many moments hold values. */
  readonly points: number;
  /** The newest moment, or undefined for an empty chart. */
  readonly last: number | undefined;
  readonly from: number;
  readonly to: number;
  /** Of bands: what each number among the cells stands for. */
  readonly states?: readonly SampleValue[];
  /** Of bands: rows that there was no room for. */
  readonly more?: number;
}

interface Row {
  ts: number;
  /** Running means by line: what falls into the same step is averaged, as the store does with history. */
  readonly cells: Map<string, { mean: number; count: number; ends: Ends }>;
}

/**
 * The last `span` milliseconds of a chart in steps of `every`. History fills it; live readings are added at the right
 * and push the oldest out at the left, so that it never holds more than span/every rows.
 */
export class ChartWindow {
  #rows: Row[] = [];
  #to: number;
  readonly #lines = new Set<string>();

  constructor(readonly options: { span: number; every: number; combine: Panel["combine"]; to: number }) {
    this.#to = options.to;
  }

  /** Takes readings in any order; those older than the window or than its newest step are left out. */
  add(readings: readonly ChartReading[]): void {
    const moments = combined(readings, this.options.combine);
    for (const ts of [...moments.keys()].sort((a, b) => a - b)) this.#addMoment(ts, moments.get(ts) ?? new Map());
    this.#to = Math.max(this.#to, this.#rows.at(-1)?.ts ?? 0);
    const from = this.#to - this.options.span;
    const fresh = this.#rows.findIndex((row) => row.ts >= from);
    if (fresh !== 0) this.#rows = fresh < 0 ? [] : this.#rows.slice(fresh);
  }

  frame(): Frame {
    const times: number[] = [];
    const cells = new Map(
      [...this.#lines].map((line) => [line, { cells: [] as Cell[], ends: [] as (Ends | undefined)[] }]),
    );
    const push = (ts: number, row?: Row): void => {
      times.push(ts);
      for (const [line, list] of cells) {
        const cell = row?.cells.get(line);
        list.cells.push(row ? cell?.mean : null);
        list.ends.push(cell?.ends);
      }
    };
    const widest = this.#widestJoin();
    for (const [index, row] of this.#rows.entries()) {
      const before = this.#rows[index - 1];
      if (before && row.ts - before.ts > widest) push(before.ts + 1);
      push(row.ts, row);
    }
    const lines = [...cells].map(([name, { cells: own, ends }]) => ({
      name,
      cells: own,
      ...(ends.some(isWide) ? { ends } : {}),
    }));
    const last = this.#rows.at(-1)?.ts;
    return { times, lines, points: this.#rows.length, last, from: this.#to - this.options.span, to: this.#to };
  }

  #addMoment(ts: number, values: ReadonlyMap<string, Combined>): void {
    const step = (moment: number): number => Math.floor(moment / this.options.every);
    const newest = this.#rows.at(-1);
    if (newest && step(ts) < step(newest.ts)) return;
    const row: Row = newest && step(newest.ts) === step(ts) ? newest : { ts, cells: new Map() };
    if (row !== newest) this.#rows.push(row);
    row.ts = Math.max(row.ts, ts);
    for (const [line, { value, ends }] of values) {
      this.#lines.add(line);
      const cell = row.cells.get(line) ?? { mean: 0, count: 0, ends };
      const count = cell.count + 1;
      row.cells.set(line, {
        mean: cell.mean + (value - cell.mean) / count,
        count,
        ends: [Math.min(cell.ends[0], ends[0]), Math.max(cell.ends[1], ends[1])],
      });
    }
  }

  /** Moments further apart than three usual steps are not joined: nothing was heard in between. */
  #widestJoin(): number {
    const distances = this.#rows.slice(1).map((row, index) => row.ts - (this.#rows[index]?.ts ?? row.ts));
    const usual = distances.sort((a, b) => a - b)[Math.floor(distances.length / 2)] ?? 0;
    return 3 * Math.max(usual, this.options.every);
  }
}

const isWide = (ends: Ends | undefined): boolean => ends !== undefined && ends[0] < ends[1];

interface Combined {
  readonly value: number;
  readonly ends: Ends;
}

/** By moment and line; several series of one line at one moment become one value. Of a sum the ends are those that it has not left. */
function combined(readings: readonly ChartReading[], combine: Panel["combine"]): Map<number, Map<string, Combined>> {
  const add = (one: number, other: number): number => (combine === "sum" ? one + other : Math.max(one, other));
  const moments = new Map<number, Map<string, Combined>>();
  for (const { ts, line, value, ends: own } of readings) {
    const ends: Ends = own ?? [value, value];
    const values = moments.get(ts) ?? new Map<string, Combined>();
    const known = values.get(line);
    const together: Combined = known
      ? { value: add(known.value, value), ends: [add(known.ends[0], ends[0]), add(known.ends[1], ends[1])] }
      : { value, ends };
    values.set(line, together);
    moments.set(ts, values);
  }
  return moments;
}
