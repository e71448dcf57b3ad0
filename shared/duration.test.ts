import * as assert from "uvu/assert";
import { formatDuration, maxDuration, maxWait, parseDuration, readDuration } from "#shared/duration";
import { suite } from "../test/suite.ts";

suite("duration", ({ test }) => {
  test("is read as people write it", () => {
    const cases: [string | number, number][] = [
      ["500ms", 500],
      ["5s", 5_000],
      ["1.5s", 1_500],
      ["1h30m", 5_400_000],
      [" 1h 30 m ", 5_400_000],
      ["7d", 604_800_000],
      ["1w", 604_800_000],
      [1_000, 1_000],
    ];
    for (const [text, ms] of cases) assert.is(parseDuration(text), ms, String(text));
  });

  test("anything else is refused with an example", () => {
    for (const text of [
      "",
      "5 parsecs",
      "s",
      "-5s",
      "5s!",
      "0s",
      "0.4ms",
      "NaN",
      "1h30",
      0,
      -1,
      Number.NaN,
      Infinity,
    ]) {
      assert.throws(
        () => parseDuration(text, "timeout"),
        (error: Error) => error.message.startsWith("timeout "),
        String(text),
      );
    }
  });

  test("one beyond all reason is refused, however it is written", () => {
    assert.is(parseDuration(maxDuration), maxDuration);
    assert.is(parseDuration("36500d"), maxDuration);
    for (const beyond of [maxDuration + 1, 9e15, 2 ** 53, 1e300, Infinity, "99999999d", `${"9".repeat(400)}d`])
      assert.throws(() => parseDuration(beyond, "ttl"), /^ttl is .*: expected 36500d at most$/);
    assert.throws(() => parseDuration("3651d", "ttl", maxWait), /^ttl is "3651d": expected 3650d at most$/);
  });

  test("text without a unit could mean any, and is refused with the sentence that says so", () => {
    for (const text of ["10", "0", " 10 ", "1.5", "100000"]) {
      assert.throws(
        () => readDuration(text),
        (error: Error) =>
          error.message ===
          "expected a unit with the number, as in 10s, 500ms, 15m, 1h30m or 7d: alone it could mean any",
        text,
      );
    }
    assert.throws(() => parseDuration("10", "ttl"), /^ttl is "10": expected a unit with the number/);
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
    for (const ms of [350, 4_200, 90_000, 3_600_000, 90_000_000]) assert.is(parseDuration(formatDuration(ms)), ms);
  });
});
