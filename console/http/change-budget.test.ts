import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { maxAuditEntries, maxOlderEntries } from "../audit/thinning.ts";
import { isLasting } from "./audited-routes.ts";
import {
  ChangeBudget,
  changeWindow,
  maxLastingChanges,
  maxOwnChanges,
  maxRefusedChanges,
  type BeyondBudget,
} from "./change-budget.ts";

const own = { own: true, lasting: false };
const other = { own: false, lasting: false };
const lasting = { own: false, lasting: true };

suite("changes that an account asks for", ({ test }) => {
  test("so many are refused, or are about its own logins, and beyond them none is looked at until the window ends", () => {
    const clock = new ManualClock();
    const told: BeyondBudget[] = [];
    const budget = new ChangeBudget(clock, (one) => void told.push(one));
    for (let times = 0; times < maxRefusedChanges; times += 1) {
      assert.ok(budget.allows("vic", own));
      budget.note("vic", { refused: true, ...own });
    }
    for (const kind of [own, other]) assert.is(budget.allows("vic", kind), false);
    for (let times = 0; times < maxOwnChanges; times += 1) {
      assert.ok(budget.allows("ann", own));
      budget.note("ann", { refused: false, ...own });
    }
    for (let times = 0; times < maxOwnChanges * 2; times += 1) budget.note("ada", { refused: false, ...other });
    assert.is(budget.allows("ann", own), false);
    assert.ok(budget.allows("ann", other), "her work goes on");
    assert.ok(budget.allows("ada", other), "and so does that of all others");
    clock.advance(changeWindow);
    assert.equal(told, [
      { account: "vic", times: 2 },
      { account: "ann", times: 1 },
    ]);
    assert.ok(budget.allows("vic", own) && budget.allows("ann", own));
    budget.stop();
    assert.is(told.length, 2);
  });

  test("of what stays in the log whoever is no administrator makes no more than the log outlives for a day", () => {
    const clock = new ManualClock();
    const told: BeyondBudget[] = [];
    const budget = new ChangeBudget(clock, (one) => void told.push(one));
    const { atOnce, inADay } = maxLastingChanges;
    const spend = (): number => {
      let times = 0;
      for (; budget.allows("olga", lasting); times += 1) budget.note("olga", { refused: false, ...lasting });
      return times;
    };
    assert.is(spend(), atOnce);
    assert.ok(budget.allows("olga", other), "her commands go on");
    assert.ok(budget.allows("ann", lasting), "and so does all of others");
    clock.advance(changeWindow);
    assert.equal(told, [{ account: "olga", times: 1 }]);
    const windows = 86_400_000 / changeWindow;
    assert.is(spend(), inADay / windows);
    clock.advance(2 * 86_400_000);
    assert.is(spend(), atOnce, "no more is saved up");
    budget.stop();
    const inVain = (maxRefusedChanges + maxOwnChanges) * windows;
    assert.ok(2 * (atOnce + inADay + inVain) < maxAuditEntries + maxOlderEntries);
  });

  test("which changes those are", () => {
    for (const name of ["setLabels", "setConfiguration", "pauseSchedule", "silenceAlert", "createEnrollment"] as const)
      assert.ok(isLasting(name), name);
    for (const name of ["sendCommand", "pauseJob", "keepCommand", "applySettings", "addFilePart"] as const)
      assert.not.ok(isLasting(name), name);
  });
});
