import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import type { DataSourceRef } from "@grafana/grafana-foundation-sdk/common";

/** The data source of grafana/provisioning/datasources/muster.yaml. */
export const source: DataSourceRef = { type: "influxdb", uid: "muster" };

/** A query as Grafana's InfluxDB data source keeps it in a dashboard. The SDK has none of its own for InfluxQL. */
interface InfluxQuery {
  readonly query: string;
  readonly alias?: string;
  /** `time_series` where a table is not asked for. */
  readonly resultFormat?: "time_series" | "table";
}

/** What the SDK takes as a query: an object that builds itself. */
export function influx(refId: string, { query, alias, resultFormat = "time_series" }: InfluxQuery): Builder<Dataquery> {
  const target = { refId, datasource: source, rawQuery: true, query, resultFormat, ...(alias ? { alias } : {}) };
  return { build: () => asQuery(target) };
}

/** The same for an annotation: which columns are its text and its tags, and where it lasts a while its end, in epoch ms. */
export function marks(
  query: string,
  { name, text, tags, end = "" }: { name: string; text: string; tags: string; end?: string },
): Builder<Dataquery> {
  const target = {
    refId: "Anno",
    name,
    datasource: source,
    query,
    queryType: "tags",
    rawQuery: true,
    fromAnnotations: true,
    textColumn: text,
    tagsColumn: tags,
    timeEndColumn: end,
    titleColumn: "",
  };
  return { build: () => asQuery(target) };
}

/** The SDK marks its queries by a method that does nothing; it must not end up in the JSON. */
function asQuery<T extends object>(target: T): Dataquery & T {
  return Object.defineProperty({ ...target, _implementsDataqueryVariant() {} }, "_implementsDataqueryVariant", {
    enumerable: false,
  });
}

/** The conditions of nearly every query: the shown time, the chosen devices, and what a panel adds. */
export function where(...more: readonly string[]): string {
  return ["$timeFilter", `"host" =~ /^$server$/`, ...more].join(" AND ");
}

/** `"a"`, as InfluxQL writes names. */
export function name(field: string): string {
  return `"${field}"`;
}
