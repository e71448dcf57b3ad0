import * as assert from "uvu/assert";
import { Arrivals, farthestAhead, maxArrivals } from "#shared/arrivals";
import { ManualClock } from "#shared/clock";
import { suite } from "../test/suite.ts";

const start = Date.UTC(2026, 0, 1);
const take = (count: number, series = "room"): ReadonlyMap<string, number> => new Map([[series, count]]);

suite("moments of arrival", ({ test }) => {
  test("no two of a series are the same, each has the room before it that it asks for, and none is later than it must be", () => {
    const clock = new ManualClock(start);
    const arrivals = new Arrivals(clock);
    const given = [1, 1, 3, 1].map((count) => arrivals.next(take(count)) - start);
    assert.equal(given, [0, 1, 4, 5]);
    assert.is(arrivals.next(take(1, "hall")), start);
    clock.advance(3);
    assert.is(arrivals.next(take(1)), start + 6);
    clock.advance(100);
    assert.is(arrivals.next(take(50)), start + 103);
    assert.is(arrivals.next(new Map()), start + 103);
  });

  test("who sends faster than the clock goes is refused beyond a second ahead, and taken again when it is over", () => {
    const clock = new ManualClock(start);
    const arrivals = new Arrivals(clock);
    for (let n = 0; n <= farthestAhead; n += 1) arrivals.next(take(1));
    assert.throws(
      () => arrivals.next(take(1)),
      /more than 1000 samples of one series in a second .* give each its "ts"/,
    );
    clock.advance(1);
    assert.is(arrivals.next(take(1)), start + 1 + farthestAhead);
  });

  test("a clock that was set back begins anew", () => {
    const clock = new ManualClock(start);
    const arrivals = new Arrivals(clock);
    arrivals.next(take(1));
    clock.setWall(start - 3_600_000);
    assert.is(arrivals.next(take(1)), start - 3_600_000);
    assert.is(arrivals.next(take(1)), start - 3_600_000 + 1);
  });

  test("what an earlier run has given is not given again, unless it lies beyond what a run can be ahead", () => {
    const clock = new ManualClock(start);
    const next = (latest: number): number => {
      const arrivals = new Arrivals(clock);
      arrivals.start(latest);
      return arrivals.next(take(1));
    };
    assert.is(next(start - 1), start);
    assert.is(next(start), start + 1);
    assert.is(next(start + 900), start + 901);
    assert.is(next(start + farthestAhead + 1), start);
    assert.is(next(-Infinity), start);
  });

  test("series whose moments have passed are forgotten", () => {
    const clock = new ManualClock(start);
    const arrivals = new Arrivals(clock);
    for (let round = 0; round < 3; round += 1) {
      for (let n = 0; n < maxArrivals; n += 1) arrivals.next(take(1, `${round} ${n}`));
      assert.is.not(arrivals.next(take(1, `${round} ${maxArrivals - 1}`)), clock.now());
      clock.advance(5);
    }
    assert.ok(arrivals.size <= maxArrivals);
  });
});
