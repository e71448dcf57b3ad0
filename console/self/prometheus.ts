import type { Report } from "./report.ts";

/**
 * A report in Prometheus' text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/): seconds, and `_total` for what only grows.
 */
export function toPrometheus({ counters, gauges, refused, times }: Report): string {
  const lines: string[] = [];
  const family = (
    name: string,
    type: string,
    help: string,
    samples: readonly [labels: string, value: number][],
  ): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const [labels, value] of samples) lines.push(`${name}${labels} ${value}`);
  };
  for (const [name, value] of Object.entries(counters))
    family(`muster_${name}_total`, "counter", helpOf(name), [["", value]]);
  family(
    "muster_refused_total",
    "counter",
    "messages that were not taken, by reason",
    Object.entries(refused).map(([reason, value]) => [`{reason="${reason}"}`, value]),
  );
  for (const [name, value] of Object.entries(gauges)) family(`muster_${name}`, "gauge", helpOf(name), [["", value]]);
  for (const [name, { mean, p99, max }] of Object.entries(times)) {
    family(`muster_${name}_seconds`, "gauge", helpOf(name), [
      ['{stat="mean"}', mean / 1_000],
      ['{stat="p99"}', p99 / 1_000],
      ['{stat="max"}', max / 1_000],
    ]);
  }
  return `${lines.join("\n")}\n`;
}

function helpOf(name: string): string {
  return `${name.replaceAll("_", " ")}; docs/self.md of Muster says more`;
}
