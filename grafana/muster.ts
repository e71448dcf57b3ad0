import type { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { page, variable } from "./page.ts";
import { chart, rate, stat } from "./panels.ts";
import { where } from "./query.ts";

const own = { measurement: "muster", by: [] };

function newest(field: string): string {
  return `SELECT last("${field}") FROM "muster" WHERE ${where()}`;
}

/** Muster itself: what its console takes, writes and holds back. */
export function muster(): DashboardBuilder {
  return page({
    uid: "muster-itself",
    title: "Muster: itself",
    description: "What the console takes, writes and holds back.",
    commands: false,
  })
    .withVariable(
      variable("server", {
        label: "Console",
        query: 'SHOW TAG VALUES FROM "muster" WITH KEY = "host"',
        several: false,
      }),
    )
    .withPanel(stat({ title: "Spooled samples", span: 6 }, newest("spool_rows")))
    .withPanel(stat({ title: "Spool", unit: "bytes", span: 6 }, newest("spool_bytes")))
    .withPanel(stat({ title: "Last write took", unit: "ms", span: 6 }, newest("write_latency_ms")))
    .withPanel(stat({ title: "Fields set aside", span: 6 }, newest("set_aside")))
    .withPanel(
      chart({
        ...own,
        title: "Messages",
        unit: "ops",
        values: {
          received: rate("received"),
          acked: rate("acked"),
          "sent again": rate("resent"),
        },
      }),
    )
    .withPanel(chart({ ...own, title: "Points written", unit: "wps", values: { written: rate("written") } }))
    .withPanel(
      chart({
        title: "Refused messages by reason",
        unit: "ops",
        measurement: "muster_refused",
        by: ["reason"],
        values: { refused: rate("count") },
      }),
    )
    .withPanel(
      chart({
        ...own,
        title: "Refused and set aside",
        unit: "ops",
        values: { refused: rate("refused"), "set aside": rate("set_aside") },
      }),
    )
    .withPanel(
      chart({
        ...own,
        title: "Window",
        description: "Batches that wait for the store.",
        values: { window: "max([[window]])" },
      }),
    )
    .withPanel(chart({ ...own, title: "Spool", values: { samples: "max([[spool_rows]])" } }))
    .withPanel(
      chart({
        ...own,
        title: "Latencies",
        unit: "ms",
        values: {
          write: "mean([[write_latency_ms]])",
          "write p99": "max([[write_latency_p99_ms]])",
          "event loop": "mean([[event_loop_delay_ms]])",
          "event loop at worst": "max([[event_loop_delay_max_ms]])",
        },
      }),
    );
}
