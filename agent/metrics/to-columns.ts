import { pack, type Column, type FieldValue } from "#shared/columns";
import type { Measurement } from "#shared/messages/metrics";
import type { Reading } from "../collectors/collector.ts";

/**
 * All readings of one instant: `at` on the wall clock, `mono` on the monotonic clock, `up` in milliseconds since the machine
 * started, by which an instant can still be placed when the wall clock was wrong.
 */
export interface Instant {
  readonly at: number;
  readonly mono: number;
  readonly up: number;
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
  /** A map, because a field may be called `__proto__`. */
  readonly f: Map<string, FieldValue[]>;
}

/** The largest moment that there is, epoch ms. */
const lastMoment = 8.64e15;

/**
 * Turns rows into columns. A series or field that is missing in some instants has null there.
 * @param instants at least one, in order of time
 */
export function toColumns(instants: readonly [Instant, ...Instant[]]): Columns {
  const [first] = instants;
  const m = (instants.length === 1 ? oneOfEach(first.readings) : undefined) ?? gathered(instants);
  return {
    // A wall clock that was never set may stand before 1970, and the console places such a batch anyway.
    t: Math.min(lastMoment, Math.max(0, Math.round(first.at))),
    mono: first.up,
    dt: instants.map((instant) => offset(first, instant)),
    m,
  };
}

/**
 * Of one instant, which most batches have: a value is its own column, so that nothing is made anew. @returns undefined where that is not so: a
 * series that is there twice is one
 */
function oneOfEach(readings: readonly Reading[]): Measurement[] | undefined {
  const known = new Set<string>();
  const series: Measurement[] = [];
  for (const { measurement: n, tags, fields: f } of readings) {
    for (const field in f) if (f[field] === null || f[field] === undefined) return undefined;
    known.add(JSON.stringify([n, tags]));
    series.push(isEmpty(tags) ? { n, f } : { n, tags: { ...tags }, f });
  }
  return known.size === series.length ? series : undefined;
}

function gathered(instants: readonly Instant[]): Measurement[] {
  const series = new Map<string, GrowingSeries>();
  for (const [index, { readings }] of instants.entries()) {
    for (const reading of readings) {
      const one = seriesOf(series, reading);
      for (const [field, value] of Object.entries(reading.fields)) {
        let column = one.f.get(field);
        if (!column) one.f.set(field, (column = Array.from<FieldValue>({ length: instants.length }).fill(null)));
        column[index] = value;
      }
    }
  }
  return [...series.values()].map(({ n, tags, f }) => ({ n, ...(isEmpty(tags) ? {} : { tags }), f: packed(f) }));
}

/**
 * Not by the wall clock: a step of it between two instants must not bend the batch. The monotonic clock spaces them; it
 * stands still while the machine sleeps, the uptime does not.
 */
function offset(first: Instant, { mono, up }: Instant): number {
  const elapsed = mono - first.mono;
  const asleep = up - first.up - elapsed;
  return Math.round(elapsed + (asleep > 100 ? asleep : 0));
}

function packed(fields: GrowingSeries["f"]): Record<string, Column> {
  return Object.fromEntries([...fields].map(([field, values]) => [field, pack(values)]));
}

function isEmpty(tags: object): boolean {
  for (const _ in tags) return false;
  return true;
}

function seriesOf(all: Map<string, GrowingSeries>, { measurement, tags }: Reading): GrowingSeries {
  const key = JSON.stringify([measurement, tags]);
  let one = all.get(key);
  if (!one) all.set(key, (one = { n: measurement, tags: { ...tags }, f: new Map() }));
  return one;
}
