import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { csvOf } from "./csv.ts";

const frame = { points: 0, last: undefined, from: 0, to: 0 };

suite("a chart as CSV", ({ test }) => {
  test("has a row for each moment with values, and no row for a gap", () => {
    const lines = [
      { name: "in", cells: [1.5, null, 2] },
      { name: "out", cells: [undefined, null, -3] },
    ];
    assert.is(
      csvOf({ ...frame, times: [0, 1, 1_000], lines }),
      "time,in,out\r\n1970-01-01T00:00:00.000Z,1.5,\r\n1970-01-01T00:00:01.000Z,2,-3\r\n",
    );
  });

  test("has of means of several values between which they lie as well", () => {
    const lines = [
      { name: "a", cells: [2, 3], ends: [[1, 9] as const, undefined] },
      { name: "b", cells: [5, 6] },
    ];
    assert.is(
      csvOf({ ...frame, times: [0, 1], lines }).replaceAll(/1970-01-01T00:00:00.00.Z/g, "T"),
      "time,a,a min,a max,b\r\nT,2,1,9,5\r\nT,3,,,6\r\n",
    );
  });

  test("has states as what they are; a device's text is never a formula or another cell", () => {
    const lines = [{ name: '=HYPERLINK("x")', cells: [0, 1, 2] }];
    const states = [true, "a,b\n", "@cmd"];
    assert.is(
      csvOf({ ...frame, times: [0, 1, 2], lines, states }).replaceAll(/1970-01-01T00:00:00.00.Z/g, "T"),
      `time,"'=HYPERLINK(""x"")"\r\nT,true\r\nT,"a,b\n"\r\nT,'@cmd\r\n`,
    );
  });
});
