import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { formatAgo, formatCoarsely, typedDuration } from "./format-duration.ts";

suite("web durations", ({ test }) => {
  test("are told in two units at most", () => {
    const cases: [number, string][] = [
      [0, "0 ms"],
      [0.42, "0.4 ms"],
      [12, "12 ms"],
      [999.6, "1 s"],
      [3_200, "3.2 s"],
      [5_000, "5 s"],
      [12_400, "12 s"],
      [59_900, "1 m"],
      [125_000, "2 m 5 s"],
      [3_600_000, "1 h"],
      [90_000_000, "1 d 1 h"],
      [-1_500, "−1.5 s"],
    ];
    for (const [ms, text] of cases) assert.is(formatCoarsely(ms), text);
  });

  test("since a moment are whole units, and never in the future", () => {
    const now = 1_000_000_000;
    const cases: [number, string][] = [
      [now + 5_000, "now"],
      [now - 999, "now"],
      [now - 3_400, "3 s ago"],
      [now - 59_999, "59 s ago"],
      [now - 60_000, "1 m ago"],
      [now - 7_200_000, "2 h ago"],
      [now - 400_000_000, "4 d ago"],
    ];
    for (const [ts, text] of cases) assert.is(formatAgo(ts, now), text);
  });

  test("are read with their unit alone, as the console does it", () => {
    const cases: [string, number | RegExp][] = [
      ["500ms", 500],
      ["5s", 5_000],
      [" 1.5 h ", 5_400_000],
      ["2D", 172_800_000],
      ["1h30m", 5_400_000],
      ["10", /^Expected a unit with the number, as in 10s/],
      ["-5s", /^Expected a duration such as/],
      ["5 weeks", /^Expected a duration such as/],
      ["0s", /^Expected more than 0\.$/],
    ];
    for (const [text, expected] of cases) {
      const read = typedDuration(text);
      if (typeof expected === "number") assert.equal(read, { ms: expected }, text);
      else assert.match("problem" in read ? read.problem : "", expected, text);
    }
  });
});
