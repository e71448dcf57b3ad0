import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { draw, pick, seedOf, subseed } from "./random.ts";

suite("seeded chance", ({ test }) => {
  test("the same place has the same number in every run", () => {
    assert.is(seedOf("a"), 0xe40c292c);
    assert.is(draw(seedOf("muster"), 3, 7), draw(seedOf("muster"), 3, 7));
    assert.is.not(draw(seedOf("muster"), 3, 7), draw(seedOf("other"), 3, 7));
  });

  test("numbers spread evenly over devices, parts and moments", () => {
    const spread = (numbers: number[]): void => {
      const tenths = Array.from({ length: 10 }, (_, at) => numbers.filter((n) => Math.floor(n * 10) === at).length);
      for (const count of tenths) assert.ok(count > 850 && count < 1_150, tenths.join());
    };
    const all = Array.from({ length: 10_000 }, (_, at) => at);
    spread(all.map((at) => draw(subseed(1, at), 1)));
    spread(all.map((at) => draw(1, at)));
    spread(all.map((at) => draw(1, 24, at)));
  });

  test("a pick has as many different ones as asked for", () => {
    const picked = [...pick(9, 50, 5)];
    assert.is(picked.length, 5);
    assert.ok(picked.every((index) => index >= 0 && index < 50));
    assert.equal([...pick(9, 50, 5)], picked);
    assert.is.not([...pick(10, 50, 5)].join(), picked.join());
    assert.is(pick(9, 3, 3).size, 3);
  });
});
