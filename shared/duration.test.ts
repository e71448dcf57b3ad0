import * as assert from "uvu/assert";
import { formatDuration, parseDuration } from "#shared/duration";
import { suite } from "../test/suite.ts";

suite("duration", ({ test }) => {
  test("is read as people write it", () => {
    const cases: [string | number, number][] = [
      ["500ms", 500],
      ["5s", 5_000],
      ["1.5s", 1_500],
      ["1h30m", 5_400_000],
      ["7d", 604_800_000],
      ["250", 250],
      [1_000, 1_000],
    ];
    for (const [text, ms] of cases) assert.is(parseDuration(text), ms);
  });

  test("anything else is refused with an example", () => {
    for (const text of ["", "5 parsecs", "s", "-5s", "5s!", "0", "NaN", 0, -1, Number.NaN, Infinity]) {
      assert.throws(
        () => parseDuration(text, "timeout"),
        (error: Error) => error.message.includes("timeout"),
        String(text),
      );
    }
  });

  test("is written in its two largest units", () => {
    const cases: [number, string][] = [
      [0.4, "0ms"],
      [350, "350ms"],
      [4_200, "4.2s"],
      [90_000, "1m 30s"],
      [3_600_000, "1h"],
      [90_000_000, "1d 1h"],
    ];
    for (const [ms, text] of cases) assert.is(formatDuration(ms), text);
  });
});
