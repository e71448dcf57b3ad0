import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { ComebackPause, refusedPause } from "./comeback-pause.ts";

suite("how long a refused agent stays away", ({ test }) => {
  test("twice as long each time up to the longest, and anew once it was there for a while", () => {
    const pause = new ComebackPause();
    const minutes = Array.from({ length: 6 }, () => pause.refused(1_000) / 60_000);
    assert.equal(minutes, [5, 10, 20, 40, 60, 60]);
    for (let at = 0; at < 100; at++) assert.is(pause.refused(refusedPause.first), refusedPause.max);
    assert.is(pause.refused(refusedPause.first + 1), refusedPause.first);
  });
});
