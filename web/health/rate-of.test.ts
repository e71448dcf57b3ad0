import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { rateOf } from "./rate-of.ts";

suite("the rate of a counter", ({ test }) => {
  test("is per second, and unknown at first, after a hole and where it began anew", () => {
    assert.equal(rateOf([0, 10_000, 20_000, 30_000, 40_000], [0, 50, null, 60, 10]), [null, 5, null, null, null]);
    assert.equal(rateOf([0, 0], [1, 2]), [null, null]);
  });
});
