import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { eventually, suite } from "../../test/suite.ts";
import { openState, type State } from "../state/state.ts";
import { Anchor, anchorDelay, anchorName, readAnchor } from "./anchor.ts";
import { entriesAfter } from "./search.ts";
import { verify, type Verdict } from "./verify.ts";

const clock = new ManualClock();
const event = { who: "ada", from: "cli", what: "device.enrolled" } as const;

function verdictOf({ database, directory }: State): Verdict {
  const steps = verify(database, [readAnchor(directory) ?? []].flat());
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

suite("where the audit log ends", ({ test }) => {
  test("it is written down beside the database some moments after an entry, and when it is closed", async (scope) => {
    const directory = await scope.directory();
    const state = openState(directory, clock, silentLog, { serves: true });
    const { audit, accounts } = state;
    const anchor = new Anchor({ directory, audit, synced: () => accounts.synced(), clock, log: silentLog });
    anchor.start();
    audit.record(event);
    const second = audit.record(event);
    assert.is(existsSync(join(directory, anchorName)), false);
    clock.advance(anchorDelay);
    await eventually("the anchor", () => readAnchor(directory) !== undefined);
    assert.equal(readAnchor(directory), { n: 2, hash: second.hash, where: anchorName });
    await anchor.stop();
    const { n, hash } = audit.record(event);
    state.close();
    assert.equal(JSON.parse(readFileSync(join(directory, anchorName), "utf8")), { v: 1, n, hash });
  });

  const ways: readonly (readonly [how: string, sql: string, why: RegExp, next: number])[] = [
    ["cut off", "DELETE FROM audit WHERE n > 2", /knows of entry 4, and the log ends at 2/, 5],
    ["emptied", "DELETE FROM audit", /knows of entry 4, and the log ends at 0/, 5],
    ["written anew", `UPDATE audit SET hash = '${"a".repeat(64)}' WHERE n = 4`, /entry 4 is another one/, 5],
  ];
  for (const [how, sql, why, next] of ways) {
    test(`an end that was ${how} is told at the next start, once, and the log goes on with numbers that nothing had`, async (scope) => {
      const directory = await scope.directory();
      const before = openState(directory, clock);
      for (let times = 0; times < 4; times += 1) before.audit.record(event);
      before.close();
      const meanwhile = openState(directory, clock);
      meanwhile.database.exec(sql);
      assert.match(verdictOf(meanwhile).problems.join(), why);
      meanwhile.close();
      const state = openState(directory, clock, silentLog, { serves: true });
      const told = state.damage.list(10).filter(({ place }) => place === "audit");
      assert.match(told.map((one) => one.why).join(), why);
      const [entry] = [...entriesAfter(state.database, 4)];
      assert.equal([entry?.n, entry?.what], [next, "audit.forked"]);
      if (how !== "written anew") assert.equal(verdictOf(state).problems, []);
      assert.match(verdictOf(state).notes.join(), why);
      state.audit.record(event);
      state.close();
      const again = openState(directory, clock, silentLog, { serves: true });
      assert.is(again.damage.list(10).filter(({ place }) => place === "audit").length, 1);
      again.close();
    });
  }
});
