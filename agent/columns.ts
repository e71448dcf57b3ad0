import type { FieldValue, Measurement } from "#shared/messages/metrics";
import type { Reading } from "./collectors/collector.ts";

/** All readings of one instant: `at` on the wall clock, `mono` in milliseconds since this run of the agent began. */
export interface Instant {
  readonly at: number;
  readonly mono: number;
  readonly readings: readonly Reading[];
}

/** A batch but for its names: several instants as columns, so that names are sent once for many samples. */
export interface Columns {
  readonly t: number;
  readonly mono: number;
  readonly dt: number[];
  readonly m: Measurement[];
}

interface GrowingSeries {
  readonly n: string;
  readonly tags: Record<string, string>;
  readonly f: Record<string, FieldValue[]>;
}

/**
 * Turns rows into columns. A series or field that is missing in some instants has null there.
 * @param instants at least one, in order of time
 */
export function toColumns(instants: readonly [Instant, ...Instant[]]): Columns {
  const [first] = instants;
  const series = new Map<string, GrowingSeries>();
  for (const [index, { readings }] of instants.entries()) {
    for (const reading of readings) {
      const one = seriesOf(series, reading);
      for (const [field, value] of Object.entries(reading.fields)) {
        const column = (one.f[field] ??= Array.from<FieldValue>({ length: instants.length }).fill(null));
        column[index] = value;
      }
    }
  }
  // The monotonic clock spaces the instants: a step of the wall clock between two of them must not bend the batch.
  return {
    t: first.at,
    mono: first.mono,
    dt: instants.map(({ mono }) => Math.round(mono - first.mono)),
    m: [...series.values()],
  };
}

function seriesOf(all: Map<string, GrowingSeries>, { measurement, tags }: Reading): GrowingSeries {
  const key = JSON.stringify([measurement, tags]);
  let one = all.get(key);
  if (!one) all.set(key, (one = { n: measurement, tags: { ...tags }, f: {} }));
  return one;
}
