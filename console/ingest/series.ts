import { isList, lastValue, type Column } from "#shared/columns";
import { BadInputError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import { quoted } from "#shared/printable";
import type { Batch } from "#shared/messages/metrics";
import type { SamplePlace } from "#shared/messages/sample-place";
import type { SimpleSample } from "#shared/messages/simple";
import type { Sample } from "../devices/latest-values.ts";
import type { SeriesColumns } from "../store/store.ts";
import { earliest, tolerated } from "../clock/placing.ts";

/**
 * A batch's series with absolute times: those of the device, moved by `shift` milliseconds. The tag `host` is the device's id and nobody
 * else's to say.
 */
export function seriesOfBatch(device: DeviceId, batch: Batch, shift = 0): SeriesColumns[] {
  const times = instantsOfBatch(batch, shift);
  return batch.m.map(({ n, tags, f }) => ({ device, measurement: n, tags: withoutHost(tags ?? {}), times, fields: f }));
}

/** In whole milliseconds, each of them once: two samples of a series at one instant would be one to the store. */
function instantsOfBatch({ t, dt }: Batch, shift: number): number[] {
  let last = -Infinity;
  let rises = true;
  const times = dt.map((offset) => {
    const time = Math.round(t + shift + offset);
    if (time <= last) rises = false;
    return (last = time);
  });
  return rises ? times : apart(times);
}

/** Those that share a millisecond are spread, in their order, by the store's smallest step. */
function apart(times: readonly number[]): number[] {
  const order = times.map((_, at) => at).sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0));
  const spread = [...times];
  let last = -Infinity;
  for (const at of order) spread[at] = last = Math.max(times[at] ?? 0, last + 1);
  return spread;
}

/** A message of simple samples: what it says, where its topic puts it, and when it came, in epoch ms. */
export interface Arrived {
  readonly device: DeviceId;
  readonly place: SamplePlace;
  readonly samples: readonly SimpleSample[];
  readonly arrival: number;
  /** Whether an earlier version has taken it: then two samples of one instant are no reason to refuse it any more. */
  readonly accepted?: boolean;
}

/**
 * Each sample as a series of one instant. Those that say no time end at the arrival, in their order, a millisecond apart where they are
 * of one series.
 * @throws BadInputError when two samples of one series have the same time and tell different things of a field
 */
export function seriesOfSimple(message: Arrived): SeriesColumns[] {
  const { device, place, samples, arrival } = message;
  const tags = samples.map((sample) => withoutHost(tagsOf(place, sample)));
  const times = instantsOf(message, tags);
  return samples.map(({ values }, at) => ({
    device,
    measurement: place.measurement,
    tags: tags[at] ?? {},
    times: [times[at] ?? arrival],
    fields: values,
  }));
}

/** A message's own tags come before what its topic says. */
function tagsOf({ tags }: SamplePlace, sample: SimpleSample): Readonly<Record<string, string>> {
  return sample.tags === undefined ? tags : { ...tags, ...sample.tags };
}

function instantsOf(
  { samples, arrival, accepted }: Arrived,
  tags: readonly Readonly<Record<string, string>>[],
): number[] {
  const shift = simpleShift(samples, arrival);
  const placed = samples.map(({ ts }) => (ts === undefined ? arrival : Math.round(ts + shift)));
  if (samples.length === 1) return placed;
  const taken = new Map<string, Map<number, SimpleSample["values"]>>();
  const keys = tags.map(seriesKey);
  for (const key of keys) if (!taken.has(key)) taken.set(key, new Map());
  for (const [at, { ts, values }] of samples.entries()) {
    const instants = taken.get(keys[at] ?? "");
    const time = placed[at] ?? arrival;
    if (ts === undefined || !instants) continue;
    const known = instants.get(time);
    if (known && accepted !== true) assertAgreed(known, values, time);
    instants.set(time, known ? { ...known, ...values } : values);
  }
  for (const [at, { ts, values }] of [...samples.entries()].toReversed()) {
    const instants = taken.get(keys[at] ?? "");
    if (ts !== undefined || !instants) continue;
    let time = arrival;
    while (instants.has(time)) time -= 1;
    instants.set(time, values);
    placed[at] = time;
  }
  return placed;
}

function assertAgreed(one: SimpleSample["values"], other: SimpleSample["values"], time: number): void {
  for (const field in other)
    if (Object.hasOwn(one, field) && one[field] !== other[field])
      throw new BadInputError(
        `two samples with the same tags and "ts" (${new Date(time).toISOString()}, by the store's smallest step of 1 ms) say different things of ${quoted(field)}: give each its own "ts", or tags that tell them apart`,
      );
}

/** One key for the same tags in any order. */
function seriesKey(tags: Readonly<Record<string, string>>): string {
  const names = Object.keys(tags);
  return names.length === 0 ? "" : JSON.stringify(names.sort().map((name) => [name, tags[name]]));
}

/**
 * How many instants up to its arrival a message takes of each series, by a key for it: none where all its samples say a time that can be
 * right.
 */
export function instantsTaken(
  device: DeviceId,
  path: string,
  samples: readonly SimpleSample[],
  now: number,
): ReadonlyMap<string, number> {
  const taken = new Map<string, number>();
  const isMisplaced = samples.some(({ ts }) => ts !== undefined && !isPossible(ts, now));
  if (!isMisplaced && samples.every(({ ts }) => ts !== undefined)) return taken;
  for (const { tags = {} } of samples) {
    const key = `${device}/${path}\n${seriesKey(tags)}`;
    taken.set(key, (taken.get(key) ?? 0) + 1);
  }
  return taken;
}

/** Whether a clock that says so can be right. */
export function isPossible(ts: number, now: number): boolean {
  return ts >= earliest && ts <= now + tolerated;
}

/**
 * Milliseconds to add to the times of one message's samples: 0, unless one of them cannot be right. Then the newest is placed at
 * the arrival, and the others keep their distance from it.
 */
export function simpleShift(samples: readonly SimpleSample[], arrival: number): number {
  const times = samples.flatMap(({ ts }) => (ts === undefined ? [] : [ts]));
  if (times.every((ts) => isPossible(ts, arrival))) return 0;
  return arrival - Math.max(...times);
}

/** Samples in the series: instants at which at least one field has a value. */
export function countSamples(series: readonly SeriesColumns[]): number {
  return series.reduce((sum, { times, fields }) => sum + countInstants(times.length, Object.values(fields)), 0);
}

function countInstants(length: number, columns: readonly Column[]): number {
  if (columns.some((column) => !isList(column) || !column.includes(null))) return length;
  const lists = columns.filter(isList);
  let count = 0;
  for (let at = 0; at < length; at += 1) if (lists.some((list) => list[at] !== null)) count += 1;
  return count;
}

/** When the newest sample of all was taken, epoch ms; undefined without one. */
export function newestMoment(series: readonly SeriesColumns[]): number | undefined {
  let newest: number | undefined;
  for (const { times } of series) {
    const last = times.at(-1);
    if (last !== undefined && (newest === undefined || last > newest)) newest = last;
  }
  return newest;
}

/** Each series' newest row; none of them after `now`, epoch ms. */
export function newestSamples(series: readonly SeriesColumns[], now: number): Sample[] {
  const latest = Math.round(now);
  return series.map(({ measurement, tags, times, fields }) => {
    const last = times.length - 1;
    const entries = Object.entries(fields).map(([field, column]) => [field, lastValue(column)] as const);
    return {
      measurement,
      tags,
      ts: Math.min(times[last] ?? 0, latest),
      fields: Object.fromEntries(entries.filter(hasValue)),
    };
  });
}

function hasValue<T>(entry: readonly [string, T | null]): entry is readonly [string, T] {
  return entry[1] !== null;
}

function withoutHost(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (!("host" in tags)) return tags;
  const { host: _, ...rest } = tags;
  return rest;
}
