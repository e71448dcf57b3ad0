import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { lookedUpSeldom, maxRememberedAnswers } from "./remembered.ts";

suite("what is remembered for a while", ({ test }) => {
  test("is looked up again after it, and there is a bound of it", () => {
    const clock = new ManualClock();
    let looked = 0;
    const twice = lookedUpSeldom((of: number) => (looked += 1) && of * 2, 1_000, clock);
    assert.equal([twice(1), twice(1), looked], [2, 2, 1]);
    clock.advance(1_000);
    assert.equal([twice(1), looked], [2, 2]);
    for (let at = 2; at <= maxRememberedAnswers; at++) twice(at);
    assert.equal([twice(1), looked], [2, maxRememberedAnswers + 1]);
    twice(0);
    assert.equal([twice(1), looked], [2, maxRememberedAnswers + 3]);
  });
});
