import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as BarsBuilder } from "@grafana/grafana-foundation-sdk/bargauge";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as ChartBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { influx, name, source, where } from "./query.ts";

/** A heading and what stands under it. */
export interface Section {
  readonly title: string;
  readonly panels: readonly Builder<dashboard.Panel>[];
}

export interface Looks {
  readonly title: string;
  readonly description?: string;
  /** Grafana's name of the unit: `percent`, `bytes`, `Bps`, `short`, `s`, `ms` … */
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  /** Columns of 24. */
  readonly span?: number;
  readonly height?: number;
}

export interface ChartOptions extends Looks {
  readonly measurement: string;
  /** Legend → expression over fields, which `[[…]]` marks: `100 - mean([[usage_idle]])`. */
  readonly values: Readonly<Record<string, string>>;
  /** Further conditions. */
  readonly where?: readonly string[];
  /** A line for each value of these tags; the legend then says `$tag_x`. */
  readonly by?: readonly string[];
  /** What an interval without a sample shows. */
  readonly fill?: "null" | "none";
  readonly stacked?: boolean;
}

/** Lines over time, one query for each value. */
export function chart(options: ChartOptions): ChartBuilder {
  const { span = 12, height = 8, stacked = false } = options;
  const panel = new ChartBuilder()
    .title(options.title)
    .datasource(source)
    .span(span)
    .height(height)
    .unit(options.unit ?? "short")
    .lineWidth(1)
    .fillOpacity(stacked ? 40 : 8)
    .showPoints(common.VisibilityMode.Auto)
    .legend(new common.VizLegendOptionsBuilder().displayMode(common.LegendDisplayMode.List).showLegend(true))
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi));
  if (options.description !== undefined) panel.description(options.description);
  if (options.min !== undefined) panel.min(options.min);
  if (options.max !== undefined) panel.max(options.max);
  // A device may sample every minute; what is silent for longer is a gap. With "none" the samples are rare by nature.
  panel.spanNulls(options.fill === "none" ? true : 150_000);
  if (stacked) panel.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal));
  for (const [at, [legend, value]] of Object.entries(options.values).entries())
    panel.withTarget(influx(letter(at), { query: overTime(options, value), alias: alias(options, legend) }));
  return panel;
}

function overTime({ measurement, where: more = [], by = [], fill = "null" }: ChartOptions, value: string): string {
  const groups = ["time($__interval)", ...by.map(name)].join(", ");
  return `SELECT ${fields(value)} FROM ${name(measurement)} WHERE ${where(...more)} GROUP BY ${groups} fill(${fill})`;
}

function alias({ by = [], values }: ChartOptions, legend: string): string {
  const tags = by.map((tag) => `$tag_${tag}`).join(" ");
  return Object.keys(values).length > 1 || !tags ? `${tags} ${legend}`.trim() : tags;
}

/** `[[usage_idle]]` as InfluxQL writes it. */
export function fields(expression: string): string {
  return expression.replaceAll(/\[\[([\w-]+)\]\]/g, '"$1"');
}

/** How much a counter grows in a second. */
export function rate(field: string): string {
  return `non_negative_derivative(max([[${field}]]), 1s)`;
}

/** One number, the newest. */
export function stat(looks: Looks, query: string): StatBuilder {
  return new StatBuilder()
    .title(looks.title)
    .datasource(source)
    .span(looks.span ?? 4)
    .height(looks.height ?? 4)
    .unit(looks.unit ?? "short")
    .graphMode(common.BigValueGraphMode.None)
    .colorMode(common.BigValueColorMode.Value)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
    .withTarget(influx("A", { query }));
}

/** A bar for each row of a table: the worst at the top. */
export function worst(looks: Looks, query: string): BarsBuilder {
  const panel = new BarsBuilder()
    .title(looks.title)
    .datasource(source)
    .span(looks.span ?? 6)
    .height(looks.height ?? 9)
    .unit(looks.unit ?? "short")
    .min(0)
    .orientation(common.VizOrientation.Horizontal)
    .displayMode(common.BarGaugeDisplayMode.Gradient)
    .reduceOptions(new common.ReduceDataOptionsBuilder().values(true).calcs([]))
    .withTarget(influx("A", { query, resultFormat: "table" }))
    .withTransformation({ id: "sortBy", options: { fields: {}, sort: [{ field: "worst", desc: true }] } });
  return looks.max === undefined ? panel : panel.max(looks.max);
}

/** A row for each device: queries joined by `host`, in the order of their columns. */
export function table(looks: Looks, columns: readonly { title: string; unit: string; query: string }[]): TableBuilder {
  const panel = new TableBuilder()
    .title(looks.title)
    .datasource(source)
    .span(looks.span ?? 24)
    .height(looks.height ?? 10);
  for (const [at, { query, title, unit }] of columns.entries()) {
    panel.withTarget(influx(letter(at), { query, resultFormat: "table" }));
    panel.overrideByName(title, [{ id: "unit", value: unit }]);
  }
  // Grafana numbers the columns that the joined tables share; the time of the first one is when a device was last seen.
  const others = columns.slice(1).map((_, at) => [`Time ${at + 2}`, true] as const);
  return panel
    .withTransformation({ id: "joinByField", options: { byField: "host", mode: "outer" } })
    .withTransformation({
      id: "organize",
      options: { excludeByName: Object.fromEntries(others), renameByName: { host: "device", "Time 1": "last seen" } },
    })
    .overrideByName("device", [
      { id: "links", value: [{ title: "Open the device", url: "/d/muster-device?var-server=${__value.text}" }] },
    ]);
}

export function row(title: string): Builder<dashboard.RowPanel> {
  return new dashboard.RowBuilder(title);
}

function letter(at: number): string {
  return String.fromCodePoint(65 + at);
}
