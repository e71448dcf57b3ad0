import type { SampleValue, SampleDocument, SampleTags } from "#api/device-routes";

/** The newest sample of one series, and the one before it: a counter's rate needs both. */
export interface Pair {
  readonly sample: SampleDocument;
  readonly before?: SampleDocument;
}

/** By series, see {@link seriesKey}. */
export type Latest = ReadonlyMap<string, Pair>;

/** Names a series: its measurement and its tags in a fixed order. */
export function seriesKey({ measurement, tags }: { measurement: string; tags: SampleTags }): string {
  const sorted = Object.keys(tags).sort();
  return [measurement, ...sorted.map((name) => `${name}=${tags[name]}`)].join(",");
}

/** Milliseconds that a device's clock, or the reader's own, may be off without being wrong. */
const aheadAtMost = 300_000;

/**
 * Takes new samples in. `steps` are the pairs that came into being, in order of time: one for each sample that was
 * newer than its series' newest. Older and repeated ones change nothing, but that a `whole` one has all fields. One that stands in the future
 * hides nothing: a clock that was wrong has placed it there.
 */
export function mergeLatest(
  latest: Latest,
  samples: readonly SampleDocument[],
  whole = false,
  present = Date.now(),
): { latest: Latest; steps: readonly Pair[] } {
  const merged = new Map(latest);
  const steps: Pair[] = [];
  for (const sample of samples.toSorted((a, b) => a.ts - b.ts)) {
    const key = seriesKey(sample);
    const newest = merged.get(key)?.sample;
    if (whole && newest?.ts === sample.ts) merged.set(key, { ...merged.get(key), sample });
    if (newest && newest.ts >= sample.ts && newest.ts <= Math.max(sample.ts, present + aheadAtMost)) continue;
    const pair = newest ? { sample, before: newest } : { sample };
    merged.set(key, pair);
    steps.push(pair);
  }
  return { latest: merged, steps };
}

/** The newest value of a field, of all series that pass `where`: a series ends where a device is given other tags. */
export function latestValue(
  latest: Latest,
  measurement: string,
  field: string,
  where: (tags: SampleTags) => boolean = () => true,
): SampleValue | undefined {
  let newest: SampleDocument | undefined;
  for (const { sample } of latest.values()) {
    if (sample.measurement !== measurement || !(field in sample.fields) || !where(sample.tags)) continue;
    if (!newest || sample.ts > newest.ts) newest = sample;
  }
  return newest?.fields[field];
}
