import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { suite } from "../../test/suite.ts";
import { DailyBudget, keptForCommands, budgetToldAgain } from "./daily-budget.ts";

const hour = 3_600_000;
const max = 1_000_000;
const forSamples = max * (1 - keptForCommands);
const noon = Date.UTC(2026, 4, 7, 12);

function budgetAt(clock: ManualClock, directory?: string): { budget: DailyBudget; changes: string[] } {
  const changes: string[] = [];
  const changed = (): void => void changes.push(budget.problem ?? "");
  const budget = new DailyBudget({ max, directory, clock, log: silentLog, changed });
  budget.start();
  return { budget, changes };
}

suite("a day's bytes", ({ test }) => {
  test("samples leave a tenth to commands, are held back beyond it, and go on when the day is over", () => {
    const clock = new ManualClock(noon);
    const { budget, changes } = budgetAt(clock);
    let asked = 0;
    const again = (): void => void (asked += 1);
    budget.spend(forSamples - 1_000);
    assert.ok(budget.admits(1_000, again));
    assert.not.ok(budget.admits(1_001, again));
    assert.not.ok(budget.admits(1_001, again));
    assert.is(changes.length, 1);
    assert.match(
      changes[0] ?? "",
      /^held back: budget: 899 kB of today's 1000 kB are used, and samples wait on the device until 2026-05-08 00:00 UTC$/,
    );
    budget.spend(max);
    assert.is(budget.left, 0, "what commands take beyond it is counted as well");
    clock.advance(12 * hour - 1);
    assert.not.ok(budget.admits(1, again));
    assert.ok(asked > 0, "and looked at again from time to time, because the clock may be set");
    clock.advance(2);
    assert.ok(budget.admits(1_000, again));
    assert.is(changes.at(-1), "");
    assert.is(budget.left, forSamples);
  });

  test("what is shown of it while samples are held back is not from long ago", () => {
    const clock = new ManualClock(noon);
    const { budget, changes } = budgetAt(clock);
    budget.spend(forSamples);
    budget.admits(1, () => {});
    budget.spend(max * budgetToldAgain - 1);
    clock.advance(60_000);
    assert.is(changes.length, 1);
    budget.spend(1);
    budget.spend(1_000);
    clock.advance(60_000);
    assert.is(changes.length, 2);
    assert.match(changes[1] ?? "", /: 1001 kB of today's 1000 kB are used/);
  });

  test("a file is told whether the rest of the day has room for it, and when there is", () => {
    const { budget } = budgetAt(new ManualClock(noon));
    budget.spend(400_000);
    assert.is(budget.shortOf(forSamples - 400_000), undefined);
    assert.match(
      budget.shortOf(forSamples - 399_999) ?? "",
      /^some 500 kB go over .*, and 500 of today's 1000 kB are left .*: once more after 2026-05-08 00:00 UTC/,
    );
    assert.match(budget.shortOf(forSamples + 1) ?? "", /more than a day has/);
  });

  test("what was used outlives a restart, and a kill costs no more than is said; a day that is over does not", async (scope) => {
    const directory = await scope.directory();
    const clock = new ManualClock(noon);
    const first = budgetAt(clock, directory).budget;
    first.spend(300_000);
    first.spend(1_000);
    const killed = budgetAt(clock, directory).budget;
    assert.ok(killed.used >= 301_000 && killed.used < 301_000 + max / 32, String(killed.used));
    killed.spend(1_000);
    killed.stop();
    const { used } = killed;
    assert.is(budgetAt(clock, directory).budget.used, used);
    clock.advance(12 * hour);
    assert.is(budgetAt(clock, directory).budget.left, forSamples);
    writeFileSync(join(directory, "budget.json"), "{");
    assert.is(budgetAt(clock, directory).budget.left, forSamples, "damaged");
  });

  test("the disk is asked 64 times for a budget, and not for each message", async (scope) => {
    const directory = await scope.directory();
    const { budget } = budgetAt(new ManualClock(noon), directory);
    let writes = 0;
    let before = "";
    for (let at = 0; at < 1_000; at += 1) {
      budget.spend(max / 1_000);
      const now = at < 15 ? "" : readFileSync(join(directory, "budget.json"), "utf8");
      if (now !== before) writes += 1;
      before = now;
    }
    assert.ok(writes > 50 && writes <= 65, String(writes));
  });

  for (const [what, begins, steps, left] of [
    ["without a clock of its own, set after the start", 5_000, [noon], 0],
    ["set to and fro", noon, [noon + 48 * hour, noon, noon + 48 * hour, noon], 0],
    ["set back by a year", noon, [noon - 365 * 24 * hour], 0],
    ["set by a minute over midnight", Date.UTC(2026, 4, 7, 23, 58), [Date.UTC(2026, 4, 8, 0, 1)], 0],
  ] as const)
    test(`a clock that is ${what} brings no bytes`, () => {
      const clock = new ManualClock(begins);
      const { budget } = budgetAt(clock);
      budget.spend(max);
      for (const step of steps) {
        clock.setWall(step);
        assert.is(budget.left, left);
        clock.advance(1_000);
      }
      clock.advance(24 * hour);
      assert.is(budget.left, forSamples, "and time does");
    });

  test("a machine that was off until another day has all of it, also where its clock is set only later", async (scope) => {
    const directory = await scope.directory();
    const before = budgetAt(new ManualClock(noon), directory).budget;
    before.spend(max);
    before.stop();
    const clock = new ManualClock(3_000);
    const { budget } = budgetAt(clock, directory);
    assert.is(budget.left, 0);
    budget.spend(1_000);
    clock.setWall(noon + 24 * hour);
    assert.is(budget.left, forSamples - 1_000);
  });

  test("batches grow as it gets short, and are small while it is not", () => {
    const clock = new ManualClock(Date.UTC(2026, 4, 7));
    const { budget } = budgetAt(clock);
    assert.is(budget.together(10_000), 1, "before anything is known");
    budget.admits(3_000, () => {});
    const size = budget.together(10_000);
    // 3,500 bytes a batch, and 900,000 bytes for 8,640 samples.
    assert.is(size, Math.ceil(3_500 / (forSamples / 8_640)));
    budget.spend(forSamples / 2);
    assert.ok(budget.together(10_000) > size);
    clock.advance(23.9 * hour);
    assert.is(budget.together(10_000), 1, "for six minutes the half suffices");
    budget.spend(max);
    assert.is(budget.together(10_000), 1, "what waits for another day waits on the disk");
  });
});
