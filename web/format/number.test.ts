import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { formatFact, formatField, formatValue } from "./number.ts";
import type { FieldUnit } from "#shared/field-units";

suite("web numbers", ({ test }) => {
  test("are written with their unit and three digits", () => {
    const cases: [number, FieldUnit, string][] = [
      [0, "percent", "0.0 %"],
      [9.96, "percent", "10.0 %"],
      [42.4, "percent", "42 %"],
      [0, "bytes", "0 B"],
      [512, "bytes", "512 B"],
      [1_000, "bytes", "0.98 KiB"],
      [1_536, "bytes", "1.50 KiB"],
      [8_589_934_592, "bytes", "8 GiB"],
      [1_258_291, "bytes/s", "1.20 MiB/s"],
      [1_500, "number/s", "1.50 k/s"],
      [0.25, "number", "0.25"],
      [0.006, "number", "0.006"],
      [-0.0012345, "number", "-0.00123"],
      [2e-9, "number", "2e-9"],
      [12_345, "number", "12345"],
      [-16.5, "celsius", "-16.5 °C"],
      [1_234_567, "number", "1.23 M"],
      [41.25, "celsius", "41.3 °C"],
      [93_784, "seconds", "1 d 2 h"],
      [1_013.25, " hPa", "1013 hPa"],
      [2_300_000, " W", "2.30 M W"],
      [Number.NaN, "number", "–"],
    ];
    for (const [value, unit, text] of cases) assert.is(formatValue(value, unit), text);
  });

  test("stand beside words and switches", () => {
    assert.is(formatField("3 days", "number"), "3 days");
    assert.is(formatField(true, "number"), "yes");
  });

  test("that are facts of a machine are sizes only where their name says so", () => {
    assert.is(formatFact("memory", 8_589_934_592), "8 GiB");
    assert.is(formatFact("cores", 4), "4");
    assert.is(formatFact("os", "Debian 12"), "Debian 12");
  });
});
