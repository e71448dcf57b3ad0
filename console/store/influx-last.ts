import { BadInputError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import { identifier, literal } from "./influx-query.ts";
import type { LastQuery, SeriesColumns } from "./store.ts";

/** Fields of one device that its newest samples have left out and of which one more question asks when they were told, at most. */
export const maxLeftOutFields = 100;

type Value = number | string | boolean;

/** InfluxDB's answer, as its API documents it, of several statements. */
export interface LastAnswer {
  readonly results?: readonly { readonly error?: string; readonly series?: readonly LastSeries[] }[];
}

interface LastSeries {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly (Value | null)[])[];
}

/** One series with its fields' last values, and when they were taken as far as that is known. */
interface Found {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Map<string, Value>;
  readonly times: Map<string, number>;
}

const prefix = "last_";

/**
 * Last values of a device's fields. InfluxDB gives those of all at once, but without their times; it gives the newest row of each series, which has most of
 * the times; and of a field that has come in another message it says the time when it is asked for that field alone.
 */
export async function lastFromInflux(
  { device, from, to, most }: LastQuery,
  ask: (statements: string) => Promise<LastAnswer>,
): Promise<SeriesColumns[]> {
  const where = `${identifier("host")}::tag = ${literal(device)} AND time >= ${moment(from)} AND time < ${moment(to)}`;
  const [lasts = [], newest = []] = resultsOf(
    await ask(
      `SELECT last(*) FROM /.*/ WHERE ${where} GROUP BY *; SELECT * FROM /.*/ WHERE ${where} GROUP BY * ORDER BY time DESC LIMIT 1`,
    ),
  );
  const found = new Map(lasts.slice(0, most).map((one) => [keyOf(one), foundIn(one)]));
  for (const one of newest) timesFrom(one, found.get(keyOf(one)));
  const left = leftOut(found);
  if (left.length > 0) {
    const statements = left.map(
      ([measurement, field]) =>
        `SELECT last(${identifier(field)}::field) AS "value" FROM ${identifier(measurement)} WHERE ${where} GROUP BY *`,
    );
    const answers = resultsOf(await ask(statements.join("; ")));
    for (const [at, [, field]] of left.entries())
      for (const one of answers[at] ?? []) {
        const time = one.values[0]?.[0];
        if (typeof time === "number") found.get(keyOf(one))?.times.set(field, time);
      }
  }
  return [...found.values()].flatMap((one) => asSeries(device, one));
}

/** Beyond what InfluxDB can have of time nothing is. */
const ends = { first: -9_223_372_036_000, last: 9_223_372_036_000 };
const moment = (ts: number): string => `${Math.round(Math.min(ends.last, Math.max(ends.first, ts)))}ms`;

/** @throws BadInputError when InfluxDB refused a statement */
function resultsOf({ results = [] }: LastAnswer): (readonly LastSeries[])[] {
  return results.map(({ error, series = [] }) => {
    if (error !== undefined) throw new BadInputError(`InfluxDB refuses the query: ${error}`);
    return series;
  });
}

function ownTags({ tags = {} }: LastSeries): [string, string][] {
  // A tag that only other series have comes back empty.
  return Object.entries(tags).filter(([name, value]) => name !== "host" && value !== "");
}

const keyOf = (one: LastSeries): string => JSON.stringify([one.name, ownTags(one).sort()]);

function foundIn(one: LastSeries): Found {
  const values = new Map<string, Value>();
  for (const [at, column] of one.columns.entries()) {
    const value = one.values[0]?.[at];
    if (at > 0 && column.startsWith(prefix) && value !== null && value !== undefined)
      values.set(column.slice(prefix.length), value);
  }
  return { measurement: one.name, tags: Object.fromEntries(ownTags(one)), values, times: new Map() };
}

function timesFrom({ columns, values }: LastSeries, found: Found | undefined): void {
  const [row = []] = values;
  const [time] = row;
  if (!found || typeof time !== "number") return;
  for (const [at, column] of columns.entries())
    if (at > 0 && row[at] !== null && row[at] === found.values.get(column)) found.times.set(column, time);
}

/** By measurement and field, each once. */
function leftOut(found: ReadonlyMap<string, Found>): [measurement: string, field: string][] {
  const left = new Map<string, [string, string]>();
  for (const { measurement, values, times } of found.values())
    for (const field of values.keys())
      if (!times.has(field)) left.set(`${measurement}\n${field}`, [measurement, field]);
  return [...left.values()].slice(0, maxLeftOutFields);
}

/** One for each moment at which some of the values were taken. */
function asSeries(device: DeviceId, { measurement, tags, values, times }: Found): SeriesColumns[] {
  const moments = new Map<number, Record<string, Value>>();
  for (const [field, ts] of times) {
    const value = values.get(field);
    if (value !== undefined) moments.set(ts, { ...moments.get(ts), [field]: value });
  }
  return [...moments]
    .sort(([a], [b]) => a - b)
    .map(([ts, fields]) => ({ device, measurement, tags, times: [ts], fields }));
}
