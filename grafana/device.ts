import type { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { agent, processes } from "./kernel.ts";
import { network } from "./network.ts";
import { page, servers, variable } from "./page.ts";
import { chart, rate, row, stat, type Section } from "./panels.ts";
import { where } from "./query.ts";

function newest(value: string, measurement: string, ...more: readonly string[]): string {
  return `SELECT last("${value}") FROM "${measurement}" WHERE ${where(...more)}`;
}

const total = `"cpu" = 'cpu-total'`;
const chosen = { path: `"path" =~ /^$path$/`, disk: `"name" =~ /^$disk$/` };

const now: Section = {
  title: "Now",
  panels: [
    stat({ title: "Up for", unit: "s" }, newest("uptime", "system")),
    stat({ title: "Processor", unit: "percent" }, `SELECT 100 - last("usage_idle") FROM "cpu" WHERE ${where(total)}`),
    stat({ title: "Processors" }, newest("n_cpus", "system")),
    stat({ title: "Memory used", unit: "percent" }, newest("used_percent", "mem")),
    stat({ title: "Swap used", unit: "percent" }, newest("used_percent", "swap")),
    stat(
      { title: "Fullest disk", unit: "percent" },
      `SELECT max("value") FROM (SELECT last("used_percent") AS "value" FROM "disk" WHERE ${where()} GROUP BY "path")`,
    ),
  ],
};

const cpu: Section = {
  title: "Processor",
  panels: [
    chart({
      title: "Where the time goes",
      unit: "percent",
      min: 0,
      max: 100,
      stacked: true,
      measurement: "cpu",
      where: [total],
      values: {
        user: "mean([[usage_user]])",
        system: "mean([[usage_system]])",
        nice: "mean([[usage_nice]])",
        iowait: "mean([[usage_iowait]])",
        interrupts: "mean([[usage_irq]]) + mean([[usage_softirq]])",
        stolen: "mean([[usage_steal]])",
        guests: "mean([[usage_guest]]) + mean([[usage_guest_nice]])",
      },
    }),
    chart({
      title: "Each processor",
      unit: "percent",
      min: 0,
      max: 100,
      measurement: "cpu",
      where: [`"cpu" =~ /^$cpu$/`],
      by: ["cpu"],
      values: { busy: "100 - mean([[usage_idle]])" },
    }),
    chart({
      title: "Load",
      min: 0,
      measurement: "system",
      values: {
        "1 minute": "mean([[load1]])",
        "5 minutes": "mean([[load5]])",
        "15 minutes": "mean([[load15]])",
        processors: "max([[n_cpus]])",
      },
    }),
    chart({
      title: "Temperature",
      unit: "celsius",
      measurement: "temp",
      by: ["sensor"],
      values: { temp: "mean([[temp]])" },
    }),
  ],
};

const memory: Section = {
  title: "Memory",
  panels: [
    chart({
      title: "Memory",
      unit: "bytes",
      min: 0,
      measurement: "mem",
      values: {
        total: "mean([[total]])",
        used: "mean([[used]])",
        cached: "mean([[cached]])",
        buffered: "mean([[buffered]])",
        free: "mean([[free]])",
        dirty: "mean([[dirty]])",
      },
    }),
    chart({
      title: "Swap",
      unit: "bytes",
      min: 0,
      measurement: "swap",
      values: { total: "mean([[total]])", used: "mean([[used]])" },
    }),
    chart({
      title: "Swapped",
      unit: "Bps",
      measurement: "swap",
      values: { in: rate("in"), out: rate("out") },
    }),
    chart({
      title: "Kernel memory",
      unit: "bytes",
      min: 0,
      measurement: "mem",
      values: { slab: "mean([[slab]])", "page tables": "mean([[page_tables]])", shared: "mean([[shared]])" },
    }),
  ],
};

const disks: Section = {
  title: "Disks",
  panels: [
    chart({
      title: "Space used",
      unit: "percent",
      min: 0,
      max: 100,
      measurement: "disk",
      where: [chosen.path],
      by: ["path"],
      values: { used: "mean([[used_percent]])" },
    }),
    chart({
      title: "Inodes used",
      unit: "percent",
      min: 0,
      max: 100,
      measurement: "disk",
      where: [chosen.path],
      by: ["path"],
      values: { used: "mean([[inodes_used_percent]])" },
    }),
    chart({
      title: "Read and written",
      unit: "Bps",
      measurement: "diskio",
      where: [chosen.disk],
      by: ["name"],
      values: { read: rate("read_bytes"), written: rate("write_bytes") },
    }),
    chart({
      title: "Operations",
      unit: "iops",
      measurement: "diskio",
      where: [chosen.disk],
      by: ["name"],
      values: { reads: rate("reads"), writes: rate("writes") },
    }),
    chart({
      title: "Busy",
      unit: "percent",
      min: 0,
      max: 100,
      measurement: "diskio",
      where: [chosen.disk],
      by: ["name"],
      values: { busy: "mean([[io_util]])" },
    }),
    chart({
      title: "Time of an operation",
      unit: "ms",
      measurement: "diskio",
      where: [chosen.disk],
      by: ["name"],
      values: { waiting: "mean([[io_await]])" },
    }),
  ],
};

/** One device: everything that its agent measures. */
export function device(): DashboardBuilder {
  const of = (measurement: string, key: string): string =>
    `SHOW TAG VALUES FROM "${measurement}" WITH KEY = "${key}" WHERE "host" =~ /^$server$/`;
  const made = page({
    uid: "muster-device",
    title: "Muster: device",
    description: "Everything that one agent measures.",
  })
    .withVariable(servers(false))
    .withVariable(variable("cpu", { label: "Processor", query: of("cpu", "cpu"), several: true }))
    .withVariable(variable("path", { label: "Mount", query: of("disk", "path"), several: true }))
    .withVariable(variable("disk", { label: "Disk", query: of("diskio", "name"), several: true }))
    .withVariable(
      // `all` holds the machine's TCP and UDP, not a sum of the others.
      variable("interface", {
        label: "Interface",
        query: of("net", "interface"),
        several: true,
        regex: "/^(?!all$)/",
      }),
    );
  for (const { title, panels } of [now, cpu, memory, disks, network, processes, agent]) {
    made.withRow(row(title));
    for (const panel of panels) made.withPanel(panel);
  }
  return made;
}
