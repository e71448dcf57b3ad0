export type Value = number | string | boolean;

/** What becomes of the points of one series, which come in order of time. */
export interface PointSink {
  /** @returns whether there is room for more */
  add(time: number, value: Value): boolean;
  /** The same of numbers at `at` up to `end`, NaN where there is none. */
  addNumbers(times: Float64Array, values: Float64Array, at: number, end: number): boolean;
}

/** What becomes of points, and of what several come to. */
export interface SlotSink extends PointSink {
  /** @param time at which the slot begins @returns whether there is room for more */
  addSlot(time: number, count: number, sum: number, low: number, high: number): boolean;
}

/** As they are. */
export class RawPoints implements SlotSink {
  readonly times: number[] = [];
  readonly values: Value[] = [];
  readonly #room: number;

  /** @param room one more is taken, which says that there are more */
  constructor(room: number) {
    this.#room = room;
  }

  add(time: number, value: Value): boolean {
    this.times.push(time);
    this.values.push(value);
    return this.times.length <= this.#room;
  }

  addNumbers(times: Float64Array, values: Float64Array, from: number, end: number): boolean {
    for (let at = from; at < end; at += 1) {
      const value = values[at]!;
      if (!Number.isNaN(value) && !this.add(times[at]!, value)) return false;
    }
    return true;
  }

  /** Its mean is all that there is. */
  addSlot(time: number, count: number, sum: number): boolean {
    return this.add(time, sum / count);
  }
}

/** The mean of each interval that has numbers, with the least and the greatest. */
export class Means implements SlotSink {
  readonly times: number[] = [];
  readonly means: number[] = [];
  readonly lows: number[] = [];
  readonly highs: number[] = [];
  readonly #room: number;
  readonly #every: number;
  #slot = Number.NaN;
  /** Where the slot ends; before 1970 it is asked anew for each point. */
  #end = Number.NEGATIVE_INFINITY;
  #count = 0;
  #sum = 0;
  /** What the sum has lost by rounding, as Neumaier adds it up, and SQLite. */
  #lost = 0;
  #low = 0;
  #high = 0;

  constructor(every: number, room: number) {
    this.#every = every;
    this.#room = room;
  }

  add(time: number, value: Value): boolean {
    if (typeof value !== "number") return true;
    return this.addSlot(time, 1, value, value, value);
  }

  addSlot(time: number, count: number, value: number, low: number, high: number): boolean {
    if (time >= this.#end || time < 0) this.#into(time, low, high);
    const sum = this.#sum + value;
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum;
    this.#sum = sum;
    this.#count += count;
    if (low < this.#low) this.#low = low;
    if (high > this.#high) this.#high = high;
    return this.times.length <= this.#room;
  }

  addNumbers(times: Float64Array, values: Float64Array, from: number, end: number): boolean {
    for (let at = from; at < end; at += 1) {
      const value = values[at]!;
      if (!Number.isNaN(value)) this.add(times[at]!, value);
    }
    return this.times.length <= this.#room;
  }

  #into(time: number, low: number, high: number): void {
    const slot = Math.trunc(time / this.#every) * this.#every + 0;
    if (slot === this.#slot) return;
    this.end();
    this.#slot = slot;
    this.#end = slot + this.#every;
    this.#low = low;
    this.#high = high;
  }

  /** To be called after the last. */
  end(): void {
    if (this.#count === 0) return;
    const exact = this.#sum + this.#lost;
    this.times.push(this.#slot);
    // Beyond the greatest number nothing was lost that could be told.
    this.means.push((Number.isNaN(exact) ? this.#sum : exact) / this.#count);
    this.lows.push(this.#low);
    this.highs.push(this.#high);
    this.#count = this.#sum = this.#lost = 0;
  }
}
