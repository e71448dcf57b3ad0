import type { InfluxServer } from "./influx.ts";

/** A series of InfluxDB's answer. */
export interface Answered {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly (number | string | boolean | null)[])[];
}

/** Asks as Grafana's data source does: over HTTP, with times in milliseconds. @throws Error with InfluxDB's own words */
export async function ask(influx: InfluxServer, q: string, database = "muster"): Promise<readonly Answered[]> {
  const parameters = new URLSearchParams({ db: database, epoch: "ms", q });
  const response = await fetch(`${influx.url}/query?${parameters.toString()}`);
  const { results = [], error } = (await response.json()) as {
    results?: { series?: Answered[]; error?: string }[];
    error?: string;
  };
  const wrong = error ?? results.find((one) => one.error !== undefined)?.error;
  if (wrong !== undefined) throw new Error(`InfluxDB refuses ${q}: ${wrong}`);
  return results.flatMap(({ series = [] }) => series);
}

/** The values of a column, over all series; nulls left out. */
export function column(series: readonly Answered[], name: string): (number | string | boolean)[] {
  return series.flatMap(({ columns, values }) => {
    const at = columns.indexOf(name);
    return values.map((row) => row[at] ?? null).filter((value) => value !== null);
  });
}

export interface Shown {
  /** Epoch ms. */
  readonly from: number;
  readonly to: number;
  /** Of a chart's points: `1s`. */
  readonly interval: string;
  /** What is chosen in each variable; several values, or one. */
  readonly variables: Readonly<Record<string, string | readonly string[]>>;
}

/** Puts in what Grafana puts in: the time shown, the width of a point, and what is chosen, as part of a regular expression. */
export function interpolate(query: string, { from, to, interval, variables }: Shown): string {
  return query.replaceAll(/\$(\w+)|\$\{(\w+)\}/g, (_, short: string, long: string) => {
    const name = short ?? long;
    if (name === "timeFilter") return `time >= ${from}ms and time <= ${to}ms`;
    if (name === "__interval") return interval;
    const chosen = variables[name];
    if (chosen === undefined) throw new Error(`no variable $${name} for ${query}`);
    return typeof chosen === "string" ? chosen : `(${chosen.map(escaped).join("|")})`;
  });
}

/** A value as Grafana escapes it in a regular expression. */
export function escaped(value: string): string {
  return value.replaceAll(/[\\^$*+?.()|[\]{}/]/g, String.raw`\$&`);
}

/** The derivative of means over seconds as InfluxDB defines it, from raw points: what `non_negative_derivative` must say. */
export function derivative(raw: Answered, name: string): [number, number][] {
  const at = raw.columns.indexOf(name);
  const seconds = new Map<number, number[]>();
  for (const row of raw.values) {
    const second = Math.floor(Number(row[0]) / 1_000) * 1_000;
    seconds.set(second, [...(seconds.get(second) ?? []), Number(row[at])]);
  }
  const means = [...seconds].map(
    ([second, all]) => [second, all.reduce((sum, one) => sum + one, 0) / all.length] as const,
  );
  return means.slice(1).map(([second, mean], index) => {
    const [before, last] = means[index] ?? [0, 0];
    return [second, (mean - last) / ((second - before) / 1_000)];
  });
}
