import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { fillDisk, smallDisk } from "../../../test/small-disk.ts";
import { eventually, suite, type Scope } from "../../../test/suite.ts";
import { openOutbox, type TestOutbox } from "./fixture.ts";
import { maxGatheredBytes } from "./gathered.ts";

const gather = 60_000;
const files = (directory: string): string[] =>
  readdirSync(join(directory, "outbox"), { recursive: true }).flatMap((name) =>
    String(name).endsWith(".seg") ? [String(name)] : [],
  );

async function gathering(
  scope: Scope,
): Promise<{ one: TestOutbox; directory: string; again: (run: string) => TestOutbox }> {
  const directory = await scope.directory();
  const clock = new ManualClock();
  const open = (run: string): TestOutbox => openOutbox(scope, { directory, gather, run }, clock);
  return { one: open("r1"), directory, again: open };
}

suite("outbox that gathers", ({ test }) => {
  test("what is acknowledged in time never comes to the disk", async (scope) => {
    const { one, directory } = await gathering(scope);
    for (let at = 1; at <= 100; at += 1) {
      await one.add(at);
      one.clock.advance(10_000);
      assert.is(one.ack([at, at]), 1);
    }
    await one.outbox.close();
    assert.equal(files(directory), []);
  });

  test("what is not goes there together, once, under its number; what is acknowledged on the way there waits no longer", async (scope) => {
    const { one, directory } = await gathering(scope);
    await one.add(1, 2);
    one.clock.advance(30_000);
    await one.add(3, 4);
    one.ack([2, 2]);
    one.clock.advance(29_999);
    assert.equal(files(directory), []);
    one.clock.advance(1);
    one.ack([3, 3]);
    await eventually("the file", () => files(directory).length === 1);
    assert.equal(one.seqs, [1, 4]);
    assert.equal(one.values(), [1, 4]);
    assert.is(one.ack([1, 4]), 2);
    assert.equal(one.seqs, []);
  });

  test("so many bytes go before their time", async (scope) => {
    const { one, directory } = await gathering(scope);
    const text = "x".repeat(10_000);
    const count = Math.ceil(maxGatheredBytes / 10_000);
    for (let at = 1; at <= count; at += 1) {
      assert.equal(files(directory), []);
      await one.add(text);
    }
    await eventually("the file", () => files(directory).length === 1);
    assert.is(one.seqs.length, count);
  });

  test("a clean end keeps all of it, a kill costs what was not on the disk, and the next run begins an outbox of its own", async (scope) => {
    const { one, directory, again } = await gathering(scope);
    await one.add(1, 2);
    await one.outbox.close();
    const second = again("r2");
    assert.equal(second.values(), [1, 2]);
    assert.is.not(second.taking, one.id);
    await second.add(3);
    second.clock.advance(gather);
    await second.add(4);
    await eventually("the file", () => files(directory).length === 2);
    const killed = again("r3");
    assert.equal(killed.values(), [1, 2, 3]);
    await killed.add(5);
    const { outbox, seq } = killed.waiting().at(-1)!;
    assert.is(seq, 1, "no number of an earlier run is given again");
    assert.not.ok([one.id, second.taking].includes(outbox));
  });

  test("without gathering the next run begins one of its own as well; and where nothing was left it does not", async (scope) => {
    const { one, directory } = await gathering(scope);
    await one.add(1);
    one.clock.advance(gather);
    await eventually("the file", () => files(directory).length === 1);
    const plain = openOutbox(scope, { directory, run: "r2" }, one.clock);
    await plain.add(2);
    assert.is.not(plain.taking, one.id);
    plain.outbox.ack({ outbox: one.id, ranges: [[1, 1]] });
    assert.equal(plain.values(), [2]);
    await plain.outbox.close();
    assert.ok(existsSync(join(directory, "outbox", "2")));
  });

  test("thrown away on request, it is told", async (scope) => {
    const { one } = await gathering(scope);
    await one.add(1, 2, 3);
    one.ack([1, 1]);
    assert.is(one.outbox.clear("cleared by command"), 2);
    await eventually("the gap", () => one.gaps().length === 1);
    const [gap] = one.gaps();
    assert.equal([gap?.from, gap?.to, gap?.samples], [2, 3, 2]);
  });

  test("a disk that refuses costs nothing, and takes it when it can", async (scope) => {
    const directory = await smallDisk(scope);
    const one = openOutbox(scope, { directory, gather });
    const filler = fillDisk(directory);
    await one.add(1, 2);
    one.clock.advance(gather);
    await eventually("its word", () => one.outbox.size.problem !== undefined);
    assert.equal(one.values(), [1, 2]);
    rmSync(filler);
    one.clock.advance(gather);
    await eventually("its word", () => one.outbox.size.problem === undefined);
    assert.equal(one.values(), [1, 2]);
    assert.is(files(directory).length, 1);
  });
});
