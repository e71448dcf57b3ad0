import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { Meter } from "./meter.ts";

suite("gauges and counts from code", ({ test }) => {
  test("a gauge is told with its newest value until it is set again, or taken back", () => {
    const meter = new Meter();
    meter.gauge("room", { temperature: 21, people: 3 }, { floor: "2" });
    meter.gauge("room", { temperature: 21.5 }, { floor: "2" });
    const expected = [{ measurement: "room", tags: { floor: "2" }, fields: { temperature: 21.5, people: 3 } }];
    assert.equal(meter.drain(), expected);
    assert.equal(meter.drain(), expected);
    meter.gauge("room", { temperature: null }, { floor: "2" });
    assert.equal(meter.drain()[0]?.fields, { people: 3 });
    meter.gauge("room", { people: null }, { floor: "2" });
    assert.equal(meter.drain(), []);
  });

  test("counts are told as the sum since the last time, and as 0 where there was none", () => {
    const meter = new Meter();
    meter.count("door", { opened: 1 });
    meter.count("door", { opened: 2, forced: 1 });
    assert.equal(meter.drain()[0]?.fields, { opened: 3, forced: 1 });
    assert.equal(meter.drain()[0]?.fields, { opened: 0, forced: 0 });
    meter.count("door", { opened: 5 });
    assert.equal(meter.drainCounts(), [{ measurement: "door", tags: {}, fields: { opened: 5 } }]);
    assert.equal(meter.drainCounts(), []);
  });

  test("tags make a series, in whatever order; a gauge and a count of one share it", () => {
    const meter = new Meter();
    meter.gauge("door", { open: true }, { a: "1", b: "2" });
    meter.count("door", { opened: 1 }, { b: "2", a: "1" });
    meter.count("door", { opened: 1 }, { a: "1" });
    assert.equal(
      meter.drain().map(({ tags, fields }) => [tags, fields]),
      [
        [
          { a: "1", b: "2" },
          { open: true, opened: 1 },
        ],
        [{ a: "1" }, { opened: 1 }],
      ],
    );
  });

  const bad: readonly (readonly [what: string, call: (meter: Meter) => void, why: RegExp])[] = [
    ["a measurement with a newline", (meter) => meter.gauge("a\nb", { x: 1 }), /measurement: expected a name/],
    ["a field without a name", (meter) => meter.gauge("a", { "": 1 }), /expected a name/],
    ["a value that is no number", (meter) => meter.gauge("a", { x: Number.NaN }), /gauge "a" is not valid: x/],
    ["a count that is no number", (meter) => meter.count("a", { x: "1" as never }), /count "a" is not valid: x/],
    ["a tag that ends in a backslash", (meter) => meter.gauge("a", { x: 1 }, { t: "b\\" }), /tags.t: .*backslash/],
    [
      "a count of a gauge",
      (meter) => (meter.gauge("a", { x: 1 }), meter.count("a", { x: 1 })),
      /"x" of "a" is a gauge already/,
    ],
    [
      "a gauge of a count",
      (meter) => (meter.count("a", { x: 1 }), meter.gauge("a", { x: 1 })),
      /"x" of "a" is counted already/,
    ],
  ];
  for (const [what, call, why] of bad) {
    test(`${what} is refused at the call`, () => {
      const meter = new Meter();
      assert.throws(
        () => call(meter),
        (error: Error) => error.name === "BadInputError" && why.test(error.message),
      );
      assert.ok(meter.drain().length <= 1);
    });
  }

  test("series and fields are bounded, and the ones there stay", () => {
    const meter = new Meter();
    for (let order = 0; order < 1_000; order++) meter.count("order", { sold: 1 }, { number: String(order) });
    assert.throws(() => meter.count("order", { sold: 1 }, { number: "one more" }), /series number 1001/);
    meter.count("order", { sold: 1 }, { number: "7" });
    assert.is(meter.drain().length, 1_000);
    const wide = new Meter();
    const fields = Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`f${index}`, 1]));
    assert.throws(() => wide.gauge("wide", fields), /more than 200 fields/);
    assert.equal(wide.drain(), []);
  });
});
