import type { SampleValue } from "#api/device-routes";
import type { StateReading } from "./readings.ts";
import type { Cell, Frame } from "./window.ts";

/** Bands of one row that are kept at most, the newest ones: more than a screen has pixels. */
export const maxBands = 4_000;
/** Values that are told apart by a colour: there are so many that can be. What comes later shares one. */
export const maxStates = 8;
/** Rows of one chart at most: as many as a screen is high. */
export const maxRows = 24;
/** So many times the usual time between two values a state holds without being told again. */
const holds = 3;

interface Band {
  readonly state: number;
  readonly from: number;
  to: number;
}

interface Row {
  readonly bands: Band[];
  /** Milliseconds that a state holds behind its last value. */
  hold: number;
}

export interface StateWindowOptions {
  readonly span: number;
  /** The right end, epoch ms. */
  readonly to: number;
  /** Milliseconds that a state holds at least: its device may be silent for so long. */
  readonly hold: number;
}

/**
 * What text and switches were in the last `span` milliseconds: of each row its bands, from the first value of a kind to the next other one, or
 * until nothing was heard for too long.
 */
export class StateWindow {
  readonly #options: StateWindowOptions;
  readonly #rows = new Map<string, Row>();
  /** By what they stand for, in the order in which they came: a colour stays with its value. */
  readonly #states = new Map<SampleValue, number>();
  #to: number;

  constructor(options: StateWindowOptions) {
    this.#options = options;
    this.#to = options.to;
  }

  /** Takes readings in any order; those of a row that are older than its newest are left out. */
  add(readings: readonly StateReading[]): void {
    const rows = new Map<string, StateReading[]>();
    for (const one of readings) rows.set(one.line, [...(rows.get(one.line) ?? []), one]);
    for (const [line, own] of rows) {
      own.sort((a, b) => a.ts - b.ts);
      const row = this.#rows.get(line) ?? { bands: [], hold: this.#options.hold };
      this.#rows.set(line, row);
      row.hold = Math.max(row.hold, holds * usual(own));
      for (const one of own) this.#addTo(row, one);
      this.#to = Math.max(this.#to, row.bands.at(-1)?.to ?? 0);
    }
  }

  #addTo({ bands, hold }: Row, { ts, value }: StateReading): void {
    const state = this.#states.get(value) ?? this.#states.size;
    this.#states.set(value, state);
    const last = bands.at(-1);
    if (last && ts < last.to) return;
    const holding = last !== undefined && ts - last.to <= hold;
    if (holding) last.to = ts;
    if (holding && last.state === state) return;
    bands.push({ state, from: ts, to: ts });
    if (bands.length > maxBands) bands.shift();
  }

  /**
   * Cells are numbers of states: where a band begins, where it ends, and a gap behind one that no other follows. The last one of a row goes on
   * for as long as it holds.
   */
  frame(): Frame {
    const [from, to] = [this.#to - this.#options.span, this.#to];
    const rows = [...this.#rows].slice(0, maxRows);
    const cells = new Map<number, Map<string, Cell>>();
    const put = (ts: number, line: string, cell: Cell): void => {
      cells.set(ts, (cells.get(ts) ?? new Map<string, Cell>()).set(line, cell));
    };
    let [points, newest]: [number, number | undefined] = [0, undefined];
    for (const [line, { bands, hold }] of rows)
      for (const [index, band] of bands.entries()) {
        const next = bands[index + 1];
        const end = next ? band.to : Math.max(band.to, Math.min(to, band.to + hold));
        if (end < from) continue;
        points += 1;
        newest = Math.max(newest ?? 0, band.to);
        put(Math.max(from, band.from), line, band.state);
        if (next?.from === band.to) continue;
        if (end > band.from) put(end, line, band.state);
        if (next) put(band.to + 1, line, null);
      }
    const times = [...cells.keys()].sort((a, b) => a - b);
    const lines = rows.map(([name]) => ({ name, cells: times.map((ts) => cells.get(ts)?.get(name)) }));
    return {
      times,
      lines,
      points,
      last: newest,
      from,
      to,
      states: [...this.#states.keys()],
      more: this.#rows.size - rows.length,
    };
  }
}

/** The time between two readings that nine of ten keep to. */
function usual(readings: readonly StateReading[]): number {
  const distances = readings.slice(1).map(({ ts }, index) => ts - (readings[index]?.ts ?? ts));
  return distances.sort((a, b) => a - b)[Math.floor((distances.length - 1) * 0.9)] ?? 0;
}

/** What a row shows at one of the frame's moments: what was told last. */
export function stateAt({ states = [], lines }: Frame, row: number, index: number): SampleValue | undefined {
  const cells = lines[row]?.cells ?? [];
  for (let at = Math.min(index, cells.length - 1); at >= 0; at--) {
    const cell = cells[at];
    if (cell !== undefined) return cell === null ? undefined : states[cell];
  }
  return undefined;
}

/** Words for nothing going on: these are grey, whatever else there is. */
const resting = /^(false|no|off|closed?|idle|none|0|inactive|stopped|absent|clear|offline)$/i;

/** The colour's number of a state, or undefined for grey. */
export function stateColour(states: readonly SampleValue[], state: number): number | undefined {
  if (resting.test(String(states[state]))) return undefined;
  const busy = states.slice(0, state).filter((one) => !resting.test(String(one))).length;
  return Math.min(busy, maxStates - 1);
}
