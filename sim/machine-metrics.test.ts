import * as assert from "uvu/assert";
import { unpack } from "#shared/columns";
import { encode } from "#shared/codec";
import { readBatch } from "#shared/messages/batch-reading";
import { suite } from "../test/suite.ts";
import { measurementsOf } from "./machine-metrics.ts";
import { subseed } from "./random.ts";

const started = Date.UTC(2026, 0, 1);
const hour = 3_600_000;

/** All values of `field` of `measurement` at `times`. */
function valuesOf(seed: number, times: readonly number[], measurement: string, field: string): number[] {
  const column = measurementsOf(seed, started, times).find(({ n }) => n === measurement)?.f[field];
  return column === undefined ? [] : unpack(column, times.length).map(Number);
}

const every = (ms: number, count: number): number[] => Array.from({ length: count }, (_, at) => started + at * ms);

suite("a simulated machine", ({ test }) => {
  test("its values are a function of seed and time: any batch can be made again", () => {
    const times = every(10_000, 6);
    assert.equal(measurementsOf(5, started, times), measurementsOf(5, started, times));
    assert.equal(valuesOf(5, times, "cpu", "usage_user")[3], valuesOf(5, times.slice(3, 4), "cpu", "usage_user")[0]);
    assert.is.not(valuesOf(5, times, "mem", "used").join(), valuesOf(6, times, "mem", "used").join());
  });

  test("percents are percents, and rise and fall within a day", () => {
    for (let device = 0; device < 20; device++) {
      const times = every(hour / 4, 96);
      const seed = subseed(1, device);
      const [user, system, wait, idle] = ["usage_user", "usage_system", "usage_iowait", "usage_idle"].map((field) =>
        valuesOf(seed, times, "cpu", field),
      );
      for (const at of times.keys()) {
        const sum = [user, system, wait, idle].map((values) => values?.[at] ?? NaN);
        assert.ok(
          sum.every((value) => value >= 0 && value <= 100),
          sum.join(),
        );
        assert.ok(Math.abs(sum.reduce((all, value) => all + value, 0) - 99) < 1.5, sum.join());
      }
      assert.ok(Math.max(...(user ?? [])) - Math.min(...(user ?? [])) > 10);
      for (const used of valuesOf(seed, times, "mem", "used_percent")) assert.ok(used > 10 && used < 100, `${used}`);
    }
  });

  test("counters never fall, whatever the interval", () => {
    for (const step of [100, 1_000, 60_000, hour]) {
      for (const field of ["bytes_recv", "bytes_sent", "packets_recv", "err_in"]) {
        const values = valuesOf(subseed(2, step), every(step, 300), "net", field);
        assert.ok(
          values.every((value, at) => value >= (values[at - 1] ?? 0)),
          `${field} each ${step} ms`,
        );
      }
    }
  });

  test("a batch of it passes the console's check and is small", () => {
    const dt = Array.from({ length: 6 }, (_, at) => at * 10_000);
    const m = measurementsOf(
      3,
      started,
      dt.map((offset) => started + offset),
    );
    const payload = encode({ v: 1, outbox: "o", seq: 1, t: started, dt, m }, "cbor");
    assert.is(readBatch(payload).m.length, 5);
    assert.ok(payload.length < 1_200, `${payload.length} bytes`);
  });
});
