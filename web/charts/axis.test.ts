import * as assert from "uvu/assert";
import * as fc from "fast-check";
import { suite } from "../../test/suite.ts";
import type { FieldUnit } from "#shared/field-units";
import { axisLabels, axisSpan, axisTicks, lonely } from "./axis.ts";

const units: readonly FieldUnit[] = ["number", "percent", "bytes", "bytes/s", "number/s", "celsius", "seconds", " hPa"];

/** Of any magnitude that something measures, and either sign. */
const value = fc
  .record({
    digits: fc.integer({ min: 1_000, max: 9_999 }),
    power: fc.integer({ min: -12, max: 11 }),
    sign: fc.constantFrom(-1, 1),
  })
  .map(({ digits, power, sign }) => sign * Number(`${digits}e${power}`));
const values = fc.oneof(
  fc.array(fc.oneof(value, fc.constant(0)), { minLength: 1, maxLength: 5 }),
  value.map((one) => [one, one]),
  fc.tuple(value, fc.double({ min: -0.1, max: 0.1, noNaN: true })).map(([one, by]) => [one, one * (1 + by)]),
);

suite("a chart's value axis", ({ test }) => {
  test("covers the data, of any magnitude and sign, with labels that tell round steps apart", () => {
    fc.assert(
      fc.property(values, fc.constantFrom(...units), fc.integer({ min: 2, max: 12 }), (data, unit, most) => {
        const [min, max] = [Math.min(...data), Math.max(...data)];
        const [low, high] = axisSpan(unit, min, max);
        assert.ok(Number.isFinite(low) && low < high && low <= min && max <= high, `${low} … ${high}`);
        if (min >= 0 && max < 1 && unit === "number") assert.ok(high < 2, "nothing tiny is flat");
        if (min < 0) assert.ok(high - low <= 1.3 * Math.max(max - min, Math.abs(min)), "no empty half");
        const { at, step } = axisTicks(unit, [low, high], most);
        assert.ok(at.length <= most && (most < 3 || at.length > 0), `${at.length} of ${most}`);
        if (most >= 5) assert.ok(at.length >= (unit.startsWith("bytes") ? 1 : 2), at.join(" "));
        assert.ok(at.every((one, index) => low <= one && one <= high && (index === 0 || one > (at[index - 1] ?? 0))));
        if (unit.startsWith("bytes")) assert.ok(Number.isInteger(Math.log2(step)));
        else if (unit !== "percent") assert.match(step.toExponential(), /^[125]e/);
        const labels = axisLabels(unit, { at, step });
        if (["number", "number/s", "celsius", " hPa"].includes(unit))
          assert.is(new Set(labels).size, at.length, labels.join(" "));
      }),
      { numRuns: 2_000 },
    );
  });

  test("goes from zero where no value is negative and zero is near, and bytes by 1024", () => {
    const cases: readonly [FieldUnit, number | null, number | null, low: number, high: number][] = [
      ["percent", 1, 2, 0, 100],
      ["percent", -5, 50, -10.5, 55.5],
      ["percent", 0, 250, 0, 275],
      ["celsius", 18, 28, 0, 30.8],
      ["celsius", 20, 25, 19.5, 25.5],
      ["celsius", -16.5, -16.5, -18.15, -14.85],
      ["celsius", -10, 10, -12, 12],
      ["number", -66, -1, -72.5, 0],
      ["number", 0, 0, 0, 1],
      ["number", null, null, 0, 1],
      ["number", 0.001, 0.006, 0, 0.0066],
      ["number", 1_013, 1_015, 1_012.8, 1_015.2],
      ["number", 5, 5, 0, 5.5],
      ["bytes", 0, 3, 0, 1_024],
      ["bytes", 4e9, 4.1e9, 0, 4.51e9],
    ];
    for (const [unit, min, max, ...expected] of cases)
      assert.equal(
        axisSpan(unit, min, max).map((end) => Number(end.toPrecision(9))),
        expected,
        `${unit} ${min} … ${max}`,
      );
  });

  test("has no tick beyond an end, by the last digit of a float either", () => {
    const [low, high] = axisSpan("number", -0.01, -0.01);
    const { at } = axisTicks("number", [low, high], 3);
    assert.ok(at.length > 0 && at.every((one) => low <= one && one <= high), `${low} … ${high}: ${at.join(" ")}`);
  });

  test("says its steps shortly", () => {
    const cases: readonly [FieldUnit, low: number, high: number, string[]][] = [
      ["celsius", 0, 30.8, ["0 °C", "10 °C", "20 °C", "30 °C"]],
      ["celsius", 20.04, 20.19, ["20.05 °C", "20.10 °C", "20.15 °C"]],
      ["number", 0, 0.0066, ["0", "0.002", "0.004", "0.006"]],
      ["number", 0, 6.6e-9, ["0", "2e-9", "4e-9", "6e-9"]],
      ["number", 0, 66_000, ["0", "20000", "40000", "60000"]],
      ["number", 0, 4_400_000, ["0", "2 M", "4 M"]],
      ["number", -72.5, 0, ["-60", "-40", "-20", "0"]],
      ["number", 1_000_000, 1_000_010, ["1.000000 M", "1.000005 M", "1.000010 M"]],
      ["bytes", 0, 4.51e9, ["0 B", "2 GiB", "4 GiB"]],
      ["percent", 0, 100, ["0 %", "50 %", "100 %"]],
      ["number/s", 0, 3_000, ["0/s", "1000/s", "2000/s", "3000/s"]],
      ["seconds", 0, 90, ["0 ms", "50 s"]],
      [" hPa", 1_012.8, 1_015.2, ["1013 hPa", "1014 hPa", "1015 hPa"]],
    ];
    for (const [unit, low, high, expected] of cases)
      assert.equal(axisLabels(unit, axisTicks(unit, [low, high], 4)), expected, `${unit} ${low} … ${high}`);
  });

  test("a value without a neighbour is a point: alone, between gaps, and where only another line has values beside it", () => {
    assert.equal(lonely([5]), [0]);
    assert.equal(lonely([undefined, 5, undefined]), [1]);
    assert.equal(lonely([1, null, 2, null, 3, 4]), [0, 2]);
    assert.equal(lonely([1, undefined, 2]), []);
    assert.equal(lonely([]), []);
  });
});
