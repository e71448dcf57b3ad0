import type { DeviceId } from "#shared/ids";
import { lastValue } from "#shared/columns";
import type { Batch, SimpleSample } from "#shared/messages/metrics";
import type { Sample } from "../device.ts";
import type { SeriesColumns } from "../store/store.ts";

/** A batch's series with absolute times. The tag `host` is the device's id and nobody else's to say. */
export function seriesOfBatch(device: DeviceId, batch: Batch): SeriesColumns[] {
  const times = batch.dt.map((offset) => Math.round(batch.t + offset));
  return batch.m.map(({ n, tags, f }) => ({ device, measurement: n, tags: withoutHost(tags ?? {}), times, fields: f }));
}

export function seriesOfSimple(
  device: DeviceId,
  measurement: string,
  samples: readonly SimpleSample[],
  now: number,
): SeriesColumns[] {
  return samples.map(({ ts = now, tags = {}, values }) => ({
    device,
    measurement,
    tags: withoutHost(tags),
    times: [Math.round(ts)],
    fields: Object.fromEntries(Object.entries(values).map(([field, value]) => [field, value])),
  }));
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
