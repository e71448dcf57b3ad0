import { BadInputError } from "#shared/errors";
import { maxPoints, tooManyPoints } from "./points.ts";
import type { MetricsQuery, QueriedSeries } from "./store.ts";

/** The query in InfluxQL, with everything from outside quoted. @throws BadInputError for what cannot be quoted */
export function toInfluxQl({ device, measurement, field, tags = {}, from, to, every, extremes }: MetricsQuery): string {
  // Tags and fields are told apart in so many words: a field of a tag's name would otherwise answer in its place.
  const where = Object.entries({ ...tags, host: device }).map(
    ([name, value]) => `${identifier(name)}::tag = ${literal(value)}`,
  );
  const time = `time >= ${Math.round(from)}ms AND time < ${Math.round(to)}ms`;
  const asked = `${identifier(field)}::field`;
  const ends = every > 0 && extremes ? `, min(${asked}) AS "low", max(${asked}) AS "high"` : "";
  const value = every > 0 ? `mean(${asked})` : asked;
  const grouped = every > 0 ? `GROUP BY time(${Math.round(every)}ms), * fill(none)` : "GROUP BY *";
  return `SELECT ${value} AS "value"${ends} FROM ${identifier(measurement)} WHERE ${[...where, time].join(" AND ")} ${grouped} LIMIT ${maxPoints + 1}`;
}

export function identifier(name: string): string {
  return `"${quotable(name).replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

export function literal(text: string): string {
  return `'${quotable(text).replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}

function quotable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it keeps out
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new BadInputError(`${JSON.stringify(text)} has a control character: no series has such a name`);
  return text;
}

/** InfluxDB's answer, as its API documents it. */
export interface InfluxAnswer {
  readonly results?: readonly { readonly error?: string; readonly series?: readonly InfluxSeries[] }[];
}

interface InfluxSeries {
  readonly tags?: Readonly<Record<string, string>>;
  readonly values: readonly Row[];
}

type Value = number | string | boolean;
/** The ends of an interval stand in it where they were asked for. */
type Row = readonly [time: number, value: Value | null, low?: number, high?: number];

/** @throws BadInputError when InfluxDB refused the query, or there is more than anybody wants to see */
export function fromAnswer({ results = [] }: InfluxAnswer, query: MetricsQuery): QueriedSeries[] {
  let room = maxPoints;
  return results.flatMap(({ error, series = [] }) => {
    // Text and booleans have no mean, which is no mistake of the one who asks.
    if (error !== undefined && noNumbers.test(error)) return [];
    if (error !== undefined) throw new BadInputError(`InfluxDB refuses the query: ${error}`);
    return series.map((one) => {
      room -= one.values.length;
      if (room < 0) throw tooManyPoints(query);
      return toSeries(one, query.every > 0 && query.extremes === true);
    });
  });
}

const noNumbers = /^unsupported (mean|min|max) iterator type/;

function toSeries({ tags = {}, values }: InfluxSeries, extremes: boolean): QueriedSeries {
  const rows = values.filter((row): row is readonly [number, Value, number?, number?] => row[1] !== null);
  // A tag that only other series have comes back empty.
  const own = Object.entries(tags).filter(([name, value]) => name !== "host" && value !== "");
  return {
    tags: Object.fromEntries(own),
    points: rows.map(([time, value]) => [time, value]),
    ...(extremes ? { lows: rows.map(([, , low = 0]) => low), highs: rows.map(([, , , high = 0]) => high) } : {}),
  };
}
