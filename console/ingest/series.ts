import type { DeviceId } from "#shared/ids";
import { isList, lastValue, type Column } from "#shared/columns";
import type { Batch, SimpleSample } from "#shared/messages/metrics";
import type { Sample } from "../device.ts";
import type { SeriesColumns } from "../store/store.ts";
import { earliest, tolerated } from "./placing.ts";

/**
 * A batch's series with absolute times: those of the device, moved by `shift` milliseconds. The tag `host` is the device's id and nobody
 * else's to say.
 */
export function seriesOfBatch(device: DeviceId, batch: Batch, shift = 0): SeriesColumns[] {
  const times = batch.dt.map((offset) => Math.round(batch.t + shift + offset));
  return batch.m.map(({ n, tags, f }) => ({ device, measurement: n, tags: withoutHost(tags ?? {}), times, fields: f }));
}

/** @param now epoch ms, for samples that say no time; `shift` milliseconds move those that do */
export function seriesOfSimple(
  device: DeviceId,
  measurement: string,
  samples: readonly SimpleSample[],
  now: number,
  shift = simpleShift(samples, now),
): SeriesColumns[] {
  return samples.map(({ ts = now - shift, tags = {}, values }) => ({
    device,
    measurement,
    tags: withoutHost(tags),
    times: [Math.round(ts + shift)],
    fields: Object.fromEntries(Object.entries(values).map(([field, value]) => [field, value])),
  }));
}

/**
 * Milliseconds to add to the times of one message's samples: 0, unless one of them cannot be right. Then the newest is placed at
 * the arrival, and the others keep their distance from it.
 */
export function simpleShift(samples: readonly SimpleSample[], arrival: number): number {
  const times = samples.flatMap(({ ts }) => (ts === undefined ? [] : [ts]));
  if (times.every((ts) => ts >= earliest && ts <= arrival + tolerated)) return 0;
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

/**
 * The same series, none of their times after `now`: as newest values, those of a clock that is minutes ahead and is then
 * set right would stay in place for as long.
 */
export function notAfter(series: readonly SeriesColumns[], now: number): readonly SeriesColumns[] {
  const latest = Math.round(now);
  if (series.every(({ times }) => (times.at(-1) ?? 0) <= latest)) return series;
  return series.map((one) => ({ ...one, times: one.times.map((time) => Math.min(time, latest)) }));
}

/** Each series' newest row. */
export function newestSamples(series: readonly SeriesColumns[]): Sample[] {
  return series.map(({ measurement, tags, times, fields }) => {
    const last = times.length - 1;
    const entries = Object.entries(fields).map(([field, column]) => [field, lastValue(column)] as const);
    return { measurement, tags, ts: times[last] ?? 0, fields: Object.fromEntries(entries.filter(hasValue)) };
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
