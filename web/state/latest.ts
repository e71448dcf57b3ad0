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
    const before = newest ? { before: newest } : {};
    merged.set(key, { sample: newest ? withKnown(sample, newest) : sample, ...before });
    steps.push({ sample, ...before });
  }
  return { latest: merged, steps };
}

/** Fields of one series that are kept at most: their names come from outside. The console keeps as many. */
const maxFields = 1_000;

/** A sample that leaves fields out says nothing of them: they stay as they were told, each with its own time. */
function withKnown(sample: SampleDocument, newest: SampleDocument): SampleDocument {
  const left = Object.keys(newest.fields).filter((field) => !Object.hasOwn(sample.fields, field));
  if (left.length === 0 || left.length + Object.keys(sample.fields).length > maxFields) return sample;
  const times = Object.fromEntries(left.map((field) => [field, Math.min(takenAt(newest, field), sample.ts)]));
  return { ...sample, fields: { ...newest.fields, ...sample.fields }, times: { ...times, ...sample.times } };
}

/** When one of a newest sample's fields was taken, epoch ms. */
export const takenAt = ({ ts, times }: SampleDocument, field: string): number =>
  (times && Object.hasOwn(times, field) ? times[field] : undefined) ?? ts;

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
    if (!newest || takenAt(sample, field) > takenAt(newest, field)) newest = sample;
  }
  return newest?.fields[field];
}
