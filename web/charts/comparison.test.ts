import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { laidBeside, comparisonOf, earlier, shiftOf, withComparison } from "./comparison.ts";
import { namedLines } from "./legend.ts";
import { stepFor } from "./time-ranges.ts";

const frame = { points: 2, last: 2_000, from: 0, to: 3_000 };

suite("what charts are compared with", ({ test }) => {
  for (const [search, again] of [
    ["", ""],
    ["?range=1h&before=1d", "?before=1d"],
    ["?beside=rpi-8&before=7d", "?before=7d&beside=rpi-8"],
    ["?before=toString&beside=%20", ""],
    ["?beside=a%26b%3Dc", "?beside=a%26b%3Dc"],
  ] as const)
    test(`${search || "no query"} is a comparison, and a comparison its address`, () => {
      assert.is(withComparison("", comparisonOf(search)), again);
      assert.equal(comparisonOf(again), comparisonOf(search));
    });

  test("keeps the time of the address, and has words and a shift where there is something", () => {
    assert.is(withComparison("?range=1h", { before: "7d" }), "?range=1h&before=7d");
    assert.is(shiftOf({}), undefined);
    assert.equal(shiftOf({ beside: "rpi-8" }), { shift: 0, said: "rpi-8" });
    assert.equal(shiftOf({ before: "1d", beside: "rpi-8" }), { shift: 86_400_000, said: "rpi-8, a day before" });
  });

  test("its rows fall upon the chart's own, whatever the step", () => {
    for (const span of [10_000, 300_000, 3_600_000, 86_400_000, 7 * 86_400_000])
      for (const { shift } of earlier) assert.is(shift % stepFor(span), 0, `${span}`);
  });

  test("its lines stand behind the own ones, moved to them, each paired with its own; a gap stays one", () => {
    const own = { ...frame, times: [1_000, 2_000], lines: [{ name: "used", cells: [1, 2] }] };
    const times = [500, 501, 1_500];
    const other = {
      ...frame,
      times,
      lines: [
        { name: "used", cells: [7, null, 8] },
        { name: "swap", cells: [3, null, 4] },
      ],
    };
    const both = laidBeside(own, other, { shift: 500, said: "a day before" });
    assert.equal([both.times, both.points, both.last, both.from, both.to], [[1_000, 1_001, 2_000], 2, 2_000, 0, 3_000]);
    assert.equal(both.lines, [
      { name: "used", cells: [1, undefined, 2] },
      { name: "used, a day before", cells: [7, null, 8], pairedWith: 0 },
      { name: "swap, a day before", cells: [3, null, 4], pairedWith: 2 },
    ]);
  });

  test("between the moments of one the legend has its value of before, and none in a gap", () => {
    const own = { ...frame, times: [1_000, 2_000], lines: [{ name: "used", cells: [1, 2] }] };
    const other = { ...frame, times: [1_400, 1_401], lines: [{ name: "used", cells: [7, null] }] };
    const { lines } = laidBeside(own, other, { shift: 0, said: "rpi-8" });
    const valuesAt = (row: number) => namedLines(lines, row).named.map(({ value }) => value);
    assert.equal([0, 1, 2, 3].map(valuesAt), [
      [1, undefined],
      [1, 7],
      [1, undefined],
      [2, undefined],
    ]);
  });
});
