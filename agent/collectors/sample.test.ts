import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { sampleAll } from "./sample.ts";
import type { Collector, Reading } from "./collector.ts";

const reading = (measurement: string, fields: Reading["fields"], tags: Reading["tags"] = {}): Reading => ({
  measurement,
  tags,
  fields,
});
const good: Collector = { name: "good", sample: () => [reading("good", { value: 1 })] };

suite("sample", ({ test }) => {
  test("a collector that fails costs nobody else's readings and is named", async () => {
    const throwing: Collector = {
      name: "throwing",
      sample() {
        throw new Error("no such file");
      },
    };
    // oxlint-disable-next-line prefer-promise-reject-errors -- what a careless collector might do
    const rejecting: Collector = { name: "rejecting", sample: () => Promise.reject("text") };
    const partial: Collector = {
      name: "partial",
      sample({ problem }) {
        problem(new Error("one of two"));
        return [reading("partial", { value: 2 })];
      },
    };
    const { readings, problems } = await sampleAll([throwing, rejecting, partial, good]);
    assert.equal(readings, [reading("partial", { value: 2 }), reading("good", { value: 1 })]);
    assert.equal(problems.map(({ collector, error }) => `${collector}: ${error.message}`).toSorted(), [
      "partial: one of two",
      "rejecting: text",
      "throwing: no such file",
    ]);
  });

  test("one that gives anything but readings costs nobody else's, and what is right of it stays", async () => {
    const odd: unknown[] = [null, undefined, 7, [], { measurement: "m" }, { measurement: 1, tags: {}, fields: {} }];
    const tags = { measurement: "m", tags: { a: {} }, fields: { v: 1 } };
    const right = { measurement: "odd", tags: { n: 7, none: undefined, yes: true }, fields: { v: 1, none: null } };
    const giving = (name: string, given: unknown): Collector => ({ name, sample: () => given as Reading[] });
    const { readings, problems } = await sampleAll([
      giving("odd", [...odd, tags, right]),
      giving("nothing", undefined),
      good,
    ]);
    assert.equal(readings, [reading("odd", { v: 1 }, { n: "7", yes: "true" }), reading("good", { value: 1 })]);
    assert.equal(problems.map(({ collector, error }) => `${collector}: ${error.message}`).toSorted(), [
      "nothing: it gave no list of readings",
      "odd: 7 of its readings are none",
    ]);
  });

  test("one that hangs is left behind, and not asked again before it has come back", async () => {
    const clock = new ManualClock();
    let asked = 0;
    let comeBack: (readings: readonly Reading[]) => void = () => {};
    const hanging: Collector = {
      name: "hanging",
      sample() {
        asked += 1;
        return new Promise((resolve) => (comeBack = resolve));
      },
    };
    const first = sampleAll([hanging, good], clock);
    clock.advance(5_000);
    assert.equal((await first).readings, [reading("good", { value: 1 })]);
    assert.is((await first).problems[0]?.error.message, "it gave no sample within 5 s");

    const second = await sampleAll([hanging, good], clock);
    assert.is(second.readings.length, 1);
    assert.match(second.problems[0]?.error.message ?? "", "has not come back yet");
    assert.is(asked, 1);

    comeBack([]);
    await new Promise((resolve) => setImmediate(resolve));
    const third = sampleAll([hanging, good], clock);
    comeBack([reading("late", { value: 3 })]);
    assert.is((await third).readings.length, 2);
    assert.is(asked, 2);
  });

  test("what no store could keep is cleaned: numbers that are none, odd tags, a series that stands twice", async () => {
    const dirty: Collector = {
      name: "dirty",
      sample: () => [
        reading("a", { fine: 0, nan: Number.NaN, endless: Infinity, text: "x", yes: true }),
        reading("b", { nan: Number.NaN }),
        reading("c", { value: 1 }, { path: "/a\nb\\", empty: "", long: "x".repeat(300) }),
        reading("d", { value: 1 }, { sensor: "s" }),
        reading("d", { value: 2 }, { sensor: "s" }),
        reading("d", { value: 3 }, { sensor: "t" }),
      ],
    };
    const { readings } = await sampleAll([dirty]);
    assert.equal(readings, [
      reading("a", { fine: 0, text: "x", yes: true }),
      reading("c", { value: 1 }, { path: "/a_b_", long: "x".repeat(256) }),
      reading("d", { value: 1 }, { sensor: "s" }),
      reading("d", { value: 3 }, { sensor: "t" }),
    ]);
  });
});
