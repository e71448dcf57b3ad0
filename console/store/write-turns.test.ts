import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import type { SeriesColumns } from "./store.ts";
import { maxUnsynced, maxWriteTurn, WriteTurns } from "./write-turns.ts";

const device = parseDeviceId("rpi-7");
const series = (measurement: string): SeriesColumns[] => [
  { device, measurement, tags: {}, times: [1], fields: { v: [1] } },
];
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A store that takes `cost` ms for each write. */
function rig(cost = 0) {
  const clock = new ManualClock();
  const transactions: string[][] = [];
  const answers: string[] = [];
  const state = {
    bad: "",
    commit: undefined as Error | undefined,
    twice: false,
    rest: undefined as Promise<void> | undefined,
  };
  let syncs: (() => void)[] = [];
  let current: string[] = [];
  const run = (work: () => void): void => {
    current = [];
    work();
    if (state.commit) throw state.commit;
    transactions.push(current);
  };
  const turns = new WriteTurns({
    clock,
    transaction: (work) => {
      run(work);
      if (state.twice) run(work);
    },
    write: ([one]) => {
      const name = one?.measurement ?? "";
      if (name === state.bad) throw new Error("bad");
      clock.advance(cost);
      current.push(name);
      return name === "half" ? [{ device, measurement: name, why: "half", count: 1 }] : [];
    },
    synced: () => new Promise((resolve) => syncs.push(resolve)),
    failed: (cause) => cause as Error,
    worked: () => {},
    rest: () => state.rest,
  });
  const add = (name: string): void =>
    void turns.add(series(name)).then(
      ({ rejected }) => answers.push(`${name} ${rejected.length}`),
      (error: Error) => answers.push(`${name} ${error.message}`),
    );
  const sync = async (): Promise<void> => {
    for (const done of syncs.splice(0)) done();
    await nextTurn();
  };
  return { turns, state, transactions, answers, add, sync, syncs: () => syncs.length };
}

suite("writes of many, some a turn", ({ test }) => {
  test("as many as there is time for, in order and one transaction; answered with the disk's word", async () => {
    const { transactions, answers, add, sync } = rig(maxWriteTurn / 2);
    for (const name of ["a", "half", "c", "d", "e"]) add(name);
    assert.equal(transactions, []);
    await nextTurn();
    assert.equal(transactions, [["a", "half"]]);
    await nextTurn();
    await nextTurn();
    assert.equal(transactions, [["a", "half"], ["c", "d"], ["e"]]);
    assert.equal(answers, []);
    await sync();
    assert.equal(answers, ["a 0", "half 1", "c 0", "d 0", "e 0"]);
  });

  test("so many wait for the disk, and no more are written until it has answered", async () => {
    const { transactions, answers, add, sync } = rig();
    const written = (): number => transactions.flat().length;
    for (let number = 0; number <= maxUnsynced; number += 1) add(`m${number}`);
    await nextTurn();
    await nextTurn();
    assert.is(written(), maxUnsynced);
    await sync();
    await nextTurn();
    assert.is(written(), maxUnsynced + 1);
    await sync();
    assert.is(answers.length, maxUnsynced + 1);
  });

  test("where one of them fails by what is in it, it fails alone", async () => {
    const { state, transactions, answers, add, sync } = rig();
    state.bad = "b";
    for (const name of ["a", "b", "c"]) add(name);
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    await sync();
    assert.equal(transactions, [["a"], ["c"]]);
    assert.equal(answers.toSorted(), ["a 0", "b bad", "c 0"]);
  });

  test("where the disk takes none, all that wait are told at once", async () => {
    const { state, answers, add } = rig();
    state.commit = Object.assign(new Error("full"), { sqliteCode: 13 });
    for (const name of ["a", "b", "c"]) add(name);
    await nextTurn();
    await nextTurn();
    assert.equal(answers, ["a full", "b full", "c full"]);
  });

  test("done once more in another file, it is the same that is done, and each is answered once", async () => {
    const { state, transactions, answers, add, sync } = rig();
    state.twice = true;
    for (const name of ["a", "half"]) add(name);
    await nextTurn();
    await sync();
    assert.equal(transactions, [
      ["a", "half"],
      ["a", "half"],
    ]);
    assert.equal(answers, ["a 0", "half 1"]);
  });

  test("at the end all that waits is written, however long that takes", async () => {
    const { turns, transactions, answers, add, sync } = rig(maxWriteTurn);
    for (const name of ["a", "b", "c"]) add(name);
    const finished = turns.finish();
    assert.equal(transactions, [["a", "b", "c"]]);
    await sync();
    await finished;
    assert.equal(answers, ["a 0", "b 0", "c 0"]);
  });

  test("while the log is moved the others wait, and go on after it", async () => {
    const { state, transactions, add } = rig();
    let moved = (): void => {};
    state.rest = new Promise((resolve) => (moved = resolve));
    add("a");
    await nextTurn();
    state.rest = undefined;
    for (const name of ["b", "c"]) add(name);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    assert.equal(transactions, [["a"]]);
    moved();
    await nextTurn();
    await nextTurn();
    assert.equal(transactions, [["a"], ["b", "c"]]);
  });
});
