import * as assert from "uvu/assert";
import { suite } from "../../../test/suite.ts";
import { isLine, lineOfOutbox, lineRun, maxRuns, outboxOf, runOf, withRun, type Runs } from "./runs.ts";

suite("whose numbers they are", ({ test }) => {
  test("agrees with a plain map, in any order of numbers and runs", () => {
    let seed = 11;
    const random = (below: number): number => (seed = (seed * 16_807) % 2_147_483_647) % below;
    for (let round = 0; round < 50; round += 1) {
      let runs: Runs = [];
      let highest = 0;
      const plain = new Map<number, string>();
      for (let turn = 0; turn < 40; turn += 1) {
        const seq = 1 + random(30);
        const run = `r${random(3)}`;
        runs = withRun(runs, seq, run, seq >= highest);
        highest = Math.max(highest, seq);
        plain.set(seq, run);
        for (const [known, owner] of plain) assert.is(runOf(runs, known), owner, JSON.stringify(runs));
      }
      for (const [at, [from, run]] of runs.entries()) {
        assert.ok(at === 0 || from > (runs[at - 1]?.[0] ?? 0), "ascending");
        assert.ok(run !== runs[at - 1]?.[1], "one step for each change");
      }
    }
  });

  test("a number that goes on where its run was is the same list", () => {
    const runs = withRun([], 1, "r1", true);
    assert.equal(runs, [[1, "r1"]]);
    assert.is(withRun(runs, 2, "r1", true), runs);
    assert.is(runOf([], 5), "");
  });

  test("of more runs than are told apart the oldest numbers are nobody's", () => {
    let runs: Runs = [];
    for (let at = 1; at <= maxRuns; at += 1) runs = withRun(runs, at * 10, `r${at}`, true);
    assert.is(runs.length, maxRuns);
    assert.is(runOf(runs, 15), "r1");
    runs = withRun(runs, 10_000, "one more", true);
    assert.is(runs.length, maxRuns);
    assert.equal([runOf(runs, 15), runOf(runs, 25), runOf(runs, 10_001)], ["", "r2", "one more"]);
  });

  test("a line's name has its outbox and its run in it", () => {
    assert.equal([outboxOf("a"), lineRun("a"), isLine("a")], ["a", undefined, false]);
    const name = lineOfOutbox("a", "r2");
    assert.equal([outboxOf(name), lineRun(name), isLine(name)], ["a", "r2", true]);
  });
});
