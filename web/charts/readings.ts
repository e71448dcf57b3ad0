import type { SampleDocument, SampleTags, SampleValue } from "#api/device-routes";
import { takenAt, type Pair } from "../state/latest.ts";
import type { Panel, Source } from "./panels.ts";
import { pairRate, rate } from "./rates.ts";

/** One value of one line of a chart. */
export interface ChartReading<Value = number> {
  readonly ts: number;
  readonly line: string;
  readonly value: Value;
  /** Of a mean: between which values it lies. */
  readonly ends?: Ends;
}

/** The least and the greatest value. */
export type Ends = readonly [low: number, high: number];

/** Text, and yes or no. */
export type StateReading = ChartReading<SampleValue>;

type Points = readonly (readonly [ts: number, value: SampleValue | null])[];

interface Series {
  readonly tags: SampleTags;
  readonly points: Points;
  readonly lows?: readonly number[] | undefined;
  readonly highs?: readonly number[] | undefined;
}

/** What the store remembers of one source, as readings. Of a counter's rate the ends are not known: they would be those of the count. */
export function historyReadings(source: Source, series: readonly Series[]): ChartReading[] {
  const shown = (value: number): number => source.value?.(value) ?? value;
  return series.flatMap(({ tags, points, lows, highs }) => {
    const line = source.line(tags);
    if (line === undefined) return [];
    return (source.counter ? rates(points) : points).flatMap(([ts, value], at) => {
      if (typeof value !== "number") return [];
      const [low, high] = source.counter ? [] : [lows?.[at], highs?.[at]];
      if (low === undefined || high === undefined) return [{ ts, line, value: shown(value) }];
      // What is shown may be what is left to a whole: then the greatest is the least.
      const both = [shown(low), shown(high)];
      return [{ ts, line, value: shown(value), ends: [Math.min(...both), Math.max(...both)] as const }];
    });
  });
}

function rates(points: Points): Points {
  const known = points.filter((point): point is readonly [number, number] => typeof point[1] === "number");
  return known.slice(1).map((point, index) => {
    const before = known[index];
    return [point[0], (before && rate(before, point)) ?? null] as const;
  });
}

/** What freshly arrived samples add to a chart. */
export function liveReadings(panel: Panel, steps: readonly Pair[]): ChartReading[] {
  return panel.sources.flatMap((source) =>
    steps.flatMap((pair) => {
      const { measurement, tags, fields, ts } = pair.sample;
      const line = measurement === source.measurement ? source.line(tags) : undefined;
      if (line === undefined) return [];
      const value = source.counter ? pairRate(pair, source.field) : fields[source.field];
      return typeof value === "number" ? [{ ts, line, value: source.value?.(value) ?? value }] : [];
    }),
  );
}

/** What the store remembers of one source of bands. */
export function historyStates(
  source: Source,
  series: readonly { readonly tags: SampleTags; readonly points: Points }[],
): StateReading[] {
  return series.flatMap(({ tags, points }) => {
    const line = source.line(tags);
    if (line === undefined) return [];
    return points.flatMap(([ts, value]) => (value === null ? [] : [{ ts, line, value }]));
  });
}

/** What samples add to bands. */
export function sampleStates(panel: Panel, samples: readonly SampleDocument[]): StateReading[] {
  return panel.sources.flatMap((source) =>
    samples.flatMap((sample) => {
      const { measurement, tags, fields } = sample;
      const line = measurement === source.measurement ? source.line(tags) : undefined;
      const value = fields[source.field];
      return line === undefined || value === undefined ? [] : [{ ts: takenAt(sample, source.field), line, value }];
    }),
  );
}
