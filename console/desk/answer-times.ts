import type { DeviceId } from "#shared/ids";
import type { Command } from "./command.ts";
import type { CommandRows } from "./command-rows.ts";

/** How long answers take, in milliseconds; `count` answers were looked at. */
export interface AnswerTimes {
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
}

/** Answers looked at, the newest; and the fewest that say something. */
const window = 200;
const minAnswers = 5;
/** Pairs of device and key remembered; beyond it the oldest are read from their rows again. */
export const maxPairs = 10_000;

/**
 * Learns per device and key how long answers take, from what was sent while the device was online. A proposal for people: no
 * timeout is ever changed by it.
 */
export class AnswerTimesLearner {
  readonly #rows: CommandRows;
  readonly #known = new Map<string, number[]>();

  constructor(rows: CommandRows) {
    this.#rows = rows;
  }

  /** Takes the time that an answer of its handler took, also that of a late one. */
  learn({ device, key }: Command, took: number): void {
    const times = this.#times(device, key);
    times.push(took);
    if (times.length > window) times.shift();
  }

  /** @returns undefined while too little is known */
  of(device: DeviceId, key: string): AnswerTimes | undefined {
    const times = this.#times(device, key);
    if (times.length < minAnswers) return undefined;
    const sorted = times.toSorted((a, b) => a - b);
    return { p50: at(sorted, 0.5), p99: at(sorted, 0.99), count: times.length };
  }

  #times(device: DeviceId, key: string): number[] {
    const name = `${device}\n${key}`;
    let times = this.#known.get(name);
    if (times) return times;
    const [oldest] = this.#known.keys();
    if (this.#known.size >= maxPairs && oldest !== undefined) this.#known.delete(oldest);
    times = this.#rows.answerTimes(device, key, window);
    this.#known.set(name, times);
    return times;
  }
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
