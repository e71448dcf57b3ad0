import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { ChangeBudget, changeWindow, maxOwnChanges, maxRefusedChanges, type BeyondBudget } from "./change-budget.ts";

suite("changes that an account asks for", ({ test }) => {
  test("so many are refused, or are about its own logins, and beyond them none is looked at until the window ends", () => {
    const clock = new ManualClock();
    const told: BeyondBudget[] = [];
    const budget = new ChangeBudget(clock, (one) => void told.push(one));
    for (let times = 0; times < maxRefusedChanges; times += 1) {
      assert.ok(budget.allows("vic", true));
      budget.note("vic", { refused: true, own: true });
    }
    for (const own of [true, false]) assert.is(budget.allows("vic", own), false);
    for (let times = 0; times < maxOwnChanges; times += 1) {
      assert.ok(budget.allows("ann", true));
      budget.note("ann", { refused: false, own: true });
    }
    for (let times = 0; times < maxOwnChanges * 2; times += 1) budget.note("ada", { refused: false, own: false });
    assert.is(budget.allows("ann", true), false);
    assert.ok(budget.allows("ann", false), "her work goes on");
    assert.ok(budget.allows("ada", false), "and so does that of all others");
    clock.advance(changeWindow);
    assert.equal(told, [
      { account: "vic", times: 2 },
      { account: "ann", times: 1 },
    ]);
    assert.ok(budget.allows("vic", true) && budget.allows("ann", true));
    budget.stop();
    assert.is(told.length, 2);
  });
});
