import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { GroupCommit } from "./group-commit.ts";

suite("group commit", ({ test }) => {
  test("what comes during a write shares the next, and what comes the moment it ends is not forgotten", async () => {
    const groups: number[][] = [];
    let wake: () => void = () => {};
    const commit = new GroupCommit<number>({
      write: () => new Promise((resolve) => setImmediate(resolve)),
      landed: (group) => {
        groups.push([...group]);
        wake();
      },
      failed: () => assert.unreachable(),
    });
    for (const item of [1, 2, 3]) commit.push(item);
    await commit.idle();
    assert.equal(groups, [[1], [2, 3]]);
    const landed = new Promise<void>((resolve) => (wake = resolve));
    commit.push(7);
    await landed;
    // In the very next microtask after the last group.
    const again = new Promise<void>((resolve) => (wake = resolve));
    commit.push(8);
    await again;
    assert.equal(groups.slice(2), [[7], [8]]);
    await commit.idle();
  });

  test("a write that fails takes what has come meanwhile along, and the next is tried anew", async () => {
    const failed: number[][] = [];
    const landed: number[] = [];
    let broken = true;
    const commit = new GroupCommit<number>({
      write: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        if (broken) throw new Error("ENOSPC");
      },
      landed: (group) => landed.push(...group),
      failed: (group, why, meanwhile) => {
        assert.is(why.message, "ENOSPC");
        failed.push([...group, ...meanwhile()]);
      },
    });
    for (const item of [1, 2, 3]) commit.push(item);
    await commit.idle();
    assert.equal(failed, [[1, 2, 3]]);
    broken = false;
    commit.push(4);
    await commit.idle();
    assert.equal(landed, [4]);
  });
});
