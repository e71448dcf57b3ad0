import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../test/suite.ts";
import { Entrance } from "./entrance.ts";
import { Wheel } from "./wheel.ts";

function opened(rate: number, atOnce: number) {
  const clock = new ManualClock();
  const wheel = new Wheel(clock, 20);
  wheel.start();
  const entrance = new Entrance({ clock, wheel, rate, atOnce });
  const entered: number[] = [];
  const ask = (count: number): void => {
    for (let at = 0; at < count; at++) entrance.ask({ enter: () => entered.push(clock.monotonic()) });
  };
  return { clock, entrance, entered, ask };
}

suite("the entrance", ({ test }) => {
  test("lets so many in a second, evenly, and all in the end", () => {
    const { clock, entered, ask } = opened(100, Infinity);
    ask(250);
    clock.advance(1_000);
    assert.ok(Math.abs(entered.length - 100) <= 10, `${entered.length} in the first second`);
    assert.ok(entered.filter((at) => at <= 100).length <= 11);
    clock.advance(2_000);
    assert.is(entered.length, 250);
  });

  test("time that nobody used is not saved up", () => {
    const { clock, entered, ask } = opened(100, Infinity);
    clock.advance(60_000);
    ask(50);
    clock.advance(100);
    assert.ok(entered.length <= 20, `${entered.length} at once`);
  });

  test("holds back while too many have not been answered", () => {
    const { clock, entrance, entered, ask } = opened(1_000, 4);
    ask(10);
    clock.advance(5_000);
    assert.is(entered.length, 4);
    entrance.left();
    entrance.left();
    clock.advance(200);
    assert.is(entered.length, 6);
  });
});
