import * as assert from "uvu/assert";
import type { FieldUnit } from "#shared/field-units";
import { suite } from "../test/suite.ts";
import { exactInUnit, plainWriting } from "./value-text.ts";

suite("a value that is held against a threshold", ({ test }) => {
  test("has its unit, and is not rounded onto the threshold", () => {
    const cases: [number, FieldUnit, string][] = [
      [50.4512345, "percent", "50.4512 %"],
      [90, "percent", "90 %"],
      [21.04, "celsius", "21.04 °C"],
      [2_128_007_168, "bytes", "1.98 GiB"],
      [93_784, "seconds", "1d 2h"],
      [1_800_000, " ms", "30m"],
      [42, " ms", "42 ms"],
      [1_500, "number/s", "1500/s"],
      [0.00001234, " W", "0.00001234 W"],
      [1e-9, "number", "1e-9"],
      [7, "number", "7"],
      [Number.NaN, "percent", "–"],
    ];
    for (const [value, unit, text] of cases) assert.is(exactInUnit(value, unit, plainWriting), text);
  });
});
