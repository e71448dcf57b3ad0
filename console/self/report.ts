/** What the console says about itself. Counters begin with its start and only grow; gauges are the present moment's. */
export interface Report {
  readonly counters: Readonly<Record<string, number>>;
  readonly gauges: Readonly<Record<string, number>>;
  /** Messages that were not taken, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Milliseconds. */
  readonly times: Readonly<Record<string, Timing>>;
}

export interface Timing {
  readonly mean: number;
  readonly p99: number;
  readonly max: number;
}

/** Every number of a report by its name, as it stands in the store and on the topics. */
export function* numbersOf({ counters, gauges, refused, times }: Report): Iterable<[name: string, value: number]> {
  yield* Object.entries(counters);
  yield* Object.entries(gauges);
  yield ["refused", Object.values(refused).reduce((sum, count) => sum + count, 0)];
  for (const [name, { mean, p99, max }] of Object.entries(times)) {
    yield [`${name}_ms`, mean];
    yield [`${name}_p99_ms`, p99];
    yield [`${name}_max_ms`, max];
  }
}
