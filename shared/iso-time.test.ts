import * as fc from "fast-check";
import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { isoTime } from "./iso-time.ts";

suite("a moment as text", ({ test }) => {
  test("it is what toISOString writes", () => {
    for (const ms of [0, -1, 951_782_400_000, 253_402_300_799_999, 253_402_300_800_000, -62_167_219_200_001, 8.64e15])
      assert.is(isoTime(ms), new Date(ms).toISOString());
    fc.assert(fc.property(fc.date({ noInvalidDate: true }), (date) => isoTime(date.getTime()) === date.toISOString()));
    assert.throws(() => isoTime(Number.NaN), RangeError);
  });
});
