import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../test/suite.ts";
import { Wheel, type Sleeper } from "./wheel.ts";

function turning(): { clock: ManualClock; wheel: Wheel; sleeper: Sleeper; woken: number[] } {
  const clock = new ManualClock();
  const wheel = new Wheel(clock, 20);
  wheel.start();
  const woken: number[] = [];
  const sleeper: Sleeper = { due: Infinity, slot: Infinity, wake: (now) => woken.push(now) };
  return { clock, wheel, sleeper, woken };
}

suite("the wheel", ({ test }) => {
  test("wakes once, not before it is due and within a turn after", () => {
    const { clock, wheel, sleeper, woken } = turning();
    wheel.arrange(sleeper, 1_005);
    clock.advance(1_004);
    assert.equal(woken, []);
    clock.advance(5_000);
    assert.equal(woken, [1_020]);
  });

  test("the last arrangement counts: earlier, later, never", () => {
    const { clock, wheel, sleeper, woken } = turning();
    wheel.arrange(sleeper, 1_000);
    wheel.arrange(sleeper, 200);
    clock.advance(2_000);
    assert.equal(woken, [200]);
    wheel.arrange(sleeper, 2_200);
    wheel.arrange(sleeper, 3_000);
    clock.advance(2_000);
    assert.equal(woken, [200, 3_000]);
    wheel.arrange(sleeper, 4_500);
    wheel.arrange(sleeper, Infinity);
    clock.advance(2_000);
    assert.equal(woken, [200, 3_000]);
  });

  test("what is due already is woken in the next turn, also from within one", () => {
    const { clock, wheel, woken } = turning();
    const again: Sleeper = {
      due: Infinity,
      slot: Infinity,
      wake(now) {
        woken.push(now);
        if (woken.length < 3) wheel.arrange(again, now - 500);
      },
    };
    wheel.arrange(again, 0);
    clock.advance(500);
    assert.equal(woken, [20, 40, 60]);
  });
});
