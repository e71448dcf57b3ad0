import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { suite } from "../../test/suite.ts";
import type { SeriesColumns } from "../store/store.ts";
import { Durations, LoopDelay } from "./durations.ts";
import { toPrometheus } from "./prometheus.ts";
import type { Report } from "./report.ts";
import { SelfMetrics } from "./self-metrics.ts";

const report: Report = {
  counters: { received: 12, acked: 10 },
  gauges: { spool_rows: 3 },
  refused: { schema: 1, size: 1 },
  times: { write_latency: { mean: 1.5, p99: 8, max: 20.12345 } },
};

suite("self metrics", ({ test }) => {
  test("each beat tells the store and the topics the same numbers, and begins the timings anew", () => {
    const clock = new ManualClock();
    const written: SeriesColumns[] = [];
    const told = new Map<string, string>();
    let resets = 0;
    const self = new SelfMetrics({
      read: () => report,
      reset: () => void (resets += 1),
      write: async (series) => void written.push(...series),
      publish: (name, value) => void told.set(name, value),
      clock,
      log: silentLog,
      interval: 10_000,
    });
    self.start();
    clock.advance(9_999);
    assert.is(written.length, 0);
    clock.advance(1);
    const [all, ...refused] = written;
    assert.equal([all?.device, all?.measurement, all?.times], ["console", "muster", [clock.now()]]);
    assert.equal(all?.fields, {
      received: 12,
      acked: 10,
      spool_rows: 3,
      refused: 2,
      write_latency_ms: 1.5,
      write_latency_p99_ms: 8,
      write_latency_max_ms: 20.123,
    });
    assert.equal(
      refused.map(({ measurement, tags, fields }) => [measurement, tags, fields]),
      [
        ["muster_refused", { reason: "schema" }, { count: 1 }],
        ["muster_refused", { reason: "size" }, { count: 1 }],
      ],
    );
    assert.equal(
      Object.fromEntries(told),
      Object.fromEntries(Object.entries(all?.fields ?? {}).map(([k, v]) => [k, JSON.stringify(v)])),
    );
    self.stop();
    clock.advance(60_000);
    assert.equal([resets, written.length], [1, 3]);
  });

  test("Prometheus reads counters as totals and times in seconds", () => {
    const text = toPrometheus(report);
    for (const line of [
      "# TYPE muster_received_total counter",
      "muster_received_total 12",
      'muster_refused_total{reason="schema"} 1',
      "# TYPE muster_spool_rows gauge",
      "muster_spool_rows 3",
      'muster_write_latency_seconds{stat="mean"} 0.0015',
    ])
      assert.ok(text.split("\n").includes(line), line);
    assert.ok(text.endsWith("\n"));
  });

  test("durations are those since the last look", () => {
    const durations = new Durations();
    for (const ms of [1, 2, 3]) durations.add(ms);
    const { mean, max } = durations.read();
    assert.ok(Math.abs(mean - 2) < 0.01 && Math.abs(max - 3) < 0.01);
    durations.reset();
    assert.equal(durations.read(), { mean: 0, p99: 0, max: 0 });
  });

  test("an event loop that is held up is seen as late by as much", async () => {
    const delay = new LoopDelay();
    delay.start();
    await sleep(30);
    const end = performance.now() + 80;
    while (performance.now() < end);
    await sleep(30);
    const { max } = delay.read();
    delay.stop();
    assert.ok(max > 50 && max < 1_000, `${max}`);
  });
});
