import type { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { page, servers } from "./page.ts";
import { chart, rate, row, stat, table, worst } from "./panels.ts";
import { where } from "./query.ts";

/** One value for each device over the shown time, as `alias`. */
function each(value: string, alias: string, measurement: string, ...more: readonly string[]): string {
  return `SELECT ${value} AS "${alias}" FROM "${measurement}" WHERE ${where(...more)} GROUP BY "host"`;
}

const total = `"cpu" = 'cpu-total'`;
const busy = each(`100 - mean("usage_idle")`, "value", "cpu", total);
const memory = each(`mean("used_percent")`, "value", "mem");
const disk = each(`max("used_percent")`, "value", "disk");
const heat = each(`max("temp")`, "value", "temp");
const load = each(`mean("load1") / mean("n_cpus")`, "value", "system");

/** The ten devices with the largest value. */
function ten(query: string): string {
  return `SELECT top("value", "host", 10) AS "worst" FROM (${query})`;
}

/** Every device at a glance: who reports, who was last seen when, and who is worst off. */
export function fleet(): DashboardBuilder {
  return page({
    uid: "muster-fleet",
    title: "Muster: fleet",
    description: "Every device that has reported while the shown time lasted.",
  })
    .withVariable(servers(true))
    .withPanel(
      stat(
        { title: "Devices that reported", span: 6 },
        `SELECT count("seen") FROM (SELECT last("uptime") AS "seen" FROM "system" WHERE ${where()} GROUP BY "host")`,
      ),
    )
    .withPanel(stat({ title: "Busiest processor", unit: "percent", span: 6 }, `SELECT max("value") FROM (${busy})`))
    .withPanel(stat({ title: "Fullest disk", unit: "percent", span: 6 }, `SELECT max("value") FROM (${disk})`))
    .withPanel(
      stat({ title: "Commands that ended", span: 6 }, `SELECT count("ms") FROM "muster_command" WHERE ${where()}`),
    )
    .withPanel(
      table({ title: "Devices" }, [
        // A selector alone keeps the time of what it selects: it is the device's last sample.
        { title: "uptime", unit: "s", query: each(`last("uptime")`, "uptime", "system") },
        { title: "processor", unit: "percent", query: each(`100 - mean("usage_idle")`, "processor", "cpu", total) },
        { title: "load", unit: "short", query: each(`mean("load1")`, "load", "system") },
        { title: "memory", unit: "percent", query: each(`mean("used_percent")`, "memory", "mem") },
        { title: "fullest disk", unit: "percent", query: each(`max("used_percent")`, "fullest disk", "disk") },
      ]),
    )
    .withRow(row("Worst off"))
    .withPanel(worst({ title: "Processor", span: 5, unit: "percent", max: 100 }, ten(busy)))
    .withPanel(worst({ title: "Memory", span: 5, unit: "percent", max: 100 }, ten(memory)))
    .withPanel(worst({ title: "Fullest disk", span: 5, unit: "percent", max: 100 }, ten(disk)))
    .withPanel(worst({ title: "Load a processor", span: 5 }, ten(load)))
    .withPanel(worst({ title: "Hottest sensor", span: 4, unit: "celsius" }, ten(heat)))
    .withRow(row("Over time"))
    .withPanel(
      chart({
        title: "Processor",
        unit: "percent",
        min: 0,
        max: 100,
        measurement: "cpu",
        where: [total],
        by: ["host"],
        values: { busy: "100 - mean([[usage_idle]])" },
      }),
    )
    .withPanel(
      chart({
        title: "Memory",
        unit: "percent",
        min: 0,
        max: 100,
        measurement: "mem",
        by: ["host"],
        values: { used: "mean([[used_percent]])" },
      }),
    )
    .withPanel(
      chart({
        title: "Fullest disk",
        unit: "percent",
        min: 0,
        max: 100,
        measurement: "disk",
        by: ["host"],
        values: { used: "max([[used_percent]])" },
      }),
    )
    .withPanel(
      chart({
        title: "Received",
        unit: "Bps",
        measurement: "net",
        by: ["host", "interface"],
        where: [`"interface" != 'all'`],
        values: { received: rate("bytes_recv") },
      }),
    );
}
