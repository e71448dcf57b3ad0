import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../test/suite.ts";
import { maxSharedRead, ReadTurns } from "./read-turns.ts";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

suite("the time of a turn, shared by all connections", ({ test }) => {
  test("who comes when it is over waits, goes in order, and before who comes then", async () => {
    const clock = new ManualClock();
    const turns = new ReadTurns(() => clock.monotonic());
    const read: number[] = [];
    const come = (one: number, cost: number): void => {
      if (!turns.hasTime()) return turns.later(() => come(one, cost));
      clock.advance(cost);
      read.push(one);
    };
    for (const one of [1, 2, 3, 4, 5, 6]) come(one, maxSharedRead / 2);
    assert.equal(read, [1, 2]);
    clock.advance(7);
    assert.is(turns.behind, 7);
    await nextTurn();
    come(7, 1);
    assert.equal(read, [1, 2, 3, 4]);
    await nextTurn();
    await nextTurn();
    assert.equal(read, [1, 2, 3, 4, 5, 6, 7]);
    assert.is(turns.behind, 0);
  });
});
