import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import type { Report } from "../self/report.ts";
import { maxPast, Past } from "./past.ts";

const report = (received: number): Report => ({ counters: { received }, gauges: {}, refused: {}, times: {} });

suite("the console's past", ({ test }) => {
  test("has the newest reports, as columns, and no more than an hour of them", () => {
    const past = new Past();
    assert.equal(past.read(), { times: [], numbers: {} });
    for (let at = 0; at <= maxPast; at += 1) past.add(at, report(at), 1.23456);
    const { times, numbers } = past.read();
    assert.equal([times.length, times[0], times.at(-1)], [maxPast, 1, maxPast]);
    assert.equal([numbers["received"]?.[0], numbers["cpu"]?.[0]], [1, 1.235]);
    assert.is(past.latest("received"), maxPast);
  });

  test("a number that a report lacks leaves a hole", () => {
    const past = new Past();
    past.add(1, report(1), 0);
    past.add(2, { ...report(2), gauges: { window: 3 } }, 0);
    assert.equal(past.read().numbers["window"], [null, 3]);
  });
});
