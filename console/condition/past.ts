import { numbersOf, type Report } from "../self/report.ts";

/** Reports of the console about itself that are kept in memory: an hour of them, some 100 kB. */
export const maxPast = 360;

/** What the console has measured of itself of late. In memory, so that it is there when the store is not. */
export class Past {
  readonly #times: number[] = [];
  readonly #numbers: ReadonlyMap<string, number>[] = [];

  /** @param ts epoch ms @param cpu per cent of one processor since the report before */
  add(ts: number, report: Report, cpu: number): void {
    this.#times.push(ts);
    this.#numbers.push(new Map([...numbersOf(report), ["cpu", cpu]]));
    if (this.#times.length <= maxPast) return;
    this.#times.shift();
    this.#numbers.shift();
  }

  /** The newest value of a number. */
  latest(name: string): number | undefined {
    return this.#numbers.at(-1)?.get(name);
  }

  /** A column for each number; null where a report lacks it. */
  read(): { times: number[]; numbers: Record<string, (number | null)[]> } {
    const names = new Set(this.#numbers.flatMap((one) => [...one.keys()]));
    const columns = [...names].map((name) => [name, this.#numbers.map((one) => rounded(one.get(name)))]);
    return { times: [...this.#times], numbers: Object.fromEntries(columns) as Record<string, (number | null)[]> };
  }
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1_000) / 1_000;
}
