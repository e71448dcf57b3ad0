import type { PointSink, Value } from "../point-sinks.ts";

/** Milliseconds that one value of each roll-up stands for. */
export const minute = 60_000;
export const quarter = 900_000;
export const rollupSteps = [minute, quarter] as const;
export type RollupStep = (typeof rollupSteps)[number];

/** What numbers of one step come to. */
export interface Slot {
  readonly count: number;
  readonly sum: number;
  readonly low: number;
  readonly high: number;
}

/** One field of one series over some time, in steps: of numbers what they come to, of all others the last one. */
export interface Rollup {
  /** By the number of the step, in their order. */
  readonly numbers: ReadonlyMap<number, Slot>;
  readonly states: ReadonlyMap<number, string | boolean>;
}

interface OpenSlot {
  count: number;
  sum: number;
  /** What the sum has lost by rounding. */
  lost: number;
  low: number;
  high: number;
}

/** Makes a roll-up of points that come in order of time. */
export class RollingUp implements PointSink {
  readonly #first: number;
  readonly #step: number;
  readonly #numbers = new Map<number, OpenSlot>();
  readonly #states = new Map<number, string | boolean>();

  /** @param first the moment (epoch ms) at which the first step begins */
  constructor(first: number, step: number) {
    this.#first = first;
    this.#step = step;
  }

  add(time: number, value: Value): boolean {
    const at = Math.floor((time - this.#first) / this.#step);
    if (typeof value === "number") this.#addNumber(at, value);
    else this.#states.set(at, value);
    return true;
  }

  addNumbers(times: Float64Array, values: Float64Array, from: number, end: number): boolean {
    for (let at = from; at < end; at += 1) {
      const value = values[at]!;
      if (!Number.isNaN(value)) this.#addNumber(Math.floor((times[at]! - this.#first) / this.#step), value);
    }
    return true;
  }

  #addNumber(at: number, value: number): void {
    const slot = this.#numbers.get(at);
    if (!slot) {
      this.#numbers.set(at, { count: 1, sum: value, lost: 0, low: value, high: value });
      return;
    }
    addTo(slot, value);
    slot.count += 1;
    if (value < slot.low) slot.low = value;
    if (value > slot.high) slot.high = value;
  }

  done(): Rollup {
    const numbers = new Map([...this.#numbers].map(([at, slot]) => [at, closed(slot)]));
    return { numbers, states: this.#states };
  }
}

/** In steps that are so many times as long. */
export function coarser({ numbers, states }: Rollup, times: number): Rollup {
  const joined = new Map<number, OpenSlot>();
  for (const [at, slot] of numbers) join(joined, Math.floor(at / times), slot);
  const last = new Map<number, string | boolean>();
  for (const [at, state] of states) last.set(Math.floor(at / times), state);
  return { numbers: new Map([...joined].map(([at, slot]) => [at, closed(slot)])), states: last };
}

/** Both in one: of states what the later one says. */
export function together(earlier: Rollup, later: Rollup): Rollup {
  const joined = new Map<number, OpenSlot>();
  for (const { numbers } of [earlier, later]) for (const [at, slot] of numbers) join(joined, at, slot);
  const inOrder = <T>(slots: Iterable<[number, T]>): [number, T][] => [...slots].toSorted(([a], [b]) => a - b);
  return {
    numbers: new Map(inOrder(joined).map(([at, slot]) => [at, closed(slot)])),
    states: new Map(inOrder([...earlier.states, ...later.states])),
  };
}

function join(slots: Map<number, OpenSlot>, at: number, { count, sum, low, high }: Slot): void {
  const slot = slots.get(at);
  if (!slot) {
    slots.set(at, { count, sum, lost: 0, low, high });
    return;
  }
  addTo(slot, sum);
  slot.count += count;
  slot.low = Math.min(slot.low, low);
  slot.high = Math.max(slot.high, high);
}

/** As Neumaier adds up, and SQLite. */
function addTo(slot: OpenSlot, value: number): void {
  const sum = slot.sum + value;
  slot.lost += Math.abs(slot.sum) >= Math.abs(value) ? slot.sum - sum + value : value - sum + slot.sum;
  slot.sum = sum;
}

function closed({ count, sum, lost, low, high }: OpenSlot): Slot {
  // Beyond the greatest number nothing was lost that could be told.
  const exact = sum + lost;
  return { count, sum: Number.isNaN(exact) ? sum : exact, low, high };
}
