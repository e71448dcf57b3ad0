import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { diskOf, perform, systemCalls } from "#disk/calls";
import { ManualClock } from "#shared/clock";
import { parseCommandId, type CommandId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { fillDisk, smallDisk } from "../../test/small-disk.ts";
import { suite, type Scope } from "../../test/suite.ts";
import { maxLedgerBytes, Ledger, type Expected, type LedgerOptions } from "./ledger.ts";
import type { Begun, Ended } from "./ledger-records.ts";

const id = (text: string): CommandId => parseCommandId(text);
const begun = (more: Partial<Begun> = {}): Begun => ({ key: "count", boot: "first", at: 1_000, attempts: 1, ...more });
const ended = (name: string, result = "done"): Ended => ({
  reply: { id: name, ts: 2_000, state: "succeeded", result },
  encoding: "json",
});

async function ledgerIn(
  scope: Scope,
  directory: string,
  clock = new ManualClock(10_000),
  expected: Expected = { before: false },
  more: Partial<LedgerOptions> = {},
): Promise<Ledger> {
  const ledger = new Ledger({ directory, clock, log: silentLog, ...more });
  ledger.start(expected);
  scope.cleanup(() => ledger.stop());
  return ledger;
}

const names = (ledger: Ledger): string[] => ledger.interrupted().map(([name]) => name);

async function assertRejects(promise: Promise<unknown>, message: RegExp): Promise<void> {
  const [{ status, ...outcome }] = (await Promise.allSettled([promise])) as [PromiseRejectedResult];
  assert.is(status, "rejected");
  assert.match(String(outcome.reason), message);
}

/** A file that takes no room. */
function grown(at: string, size: number): void {
  writeFileSync(at, "");
  truncateSync(at, size);
}

const path = (directory: string): string => join(directory, "ledger");

suite("ledger", ({ test }) => {
  test("what was begun and ended is there after a restart", async (scope) => {
    const directory = await scope.directory();
    const first = await ledgerIn(scope, directory);
    await first.begin(id("1"), begun());
    await first.begin(id("2"), begun({ attempts: 2, machine: "m", expires: 9_000 }));
    await first.end(id("2"), ended("2"));
    await first.stop();
    const second = await ledgerIn(scope, directory);
    assert.equal(second.interrupted(), [["1", begun()]]);
    assert.equal(second.find(id("2")), {
      begun: begun({ attempts: 2, machine: "m", expires: 9_000 }),
      ended: ended("2"),
    });
    assert.equal([...second.unsettled()], [["2", ended("2")]]);
    second.settle(id("2"));
    await second.stop();
    const third = await ledgerIn(scope, directory);
    assert.equal([...third.unsettled()], []);
    assert.is(third.find(id("2"))?.settled, true);
  });

  test("what no ledger can be is moved beside, and nothing of before is known", async (scope) => {
    const strangers = [(at: string) => mkdirSync(at), (at: string) => grown(at, maxLedgerBytes + 1)];
    for (const place of strangers) {
      const directory = await scope.directory();
      place(path(directory));
      const ledger = await ledgerIn(scope, directory, new ManualClock(10_000), { id: "a", before: true });
      assert.equal([ledger.doubt, ledger.id], [{ why: "damaged" }, "a"]);
      assert.equal(readdirSync(directory).sort(), ["ledger", "ledger.damaged-10000"]);
      await ledger.begin(id("1"), begun());
      await ledger.stop();
      assert.equal(names(await ledgerIn(scope, directory, new ManualClock(), { id: "a", before: true })), ["1"]);
    }
  });

  test("a beginning is on the disk when begin has resolved", async (scope) => {
    const directory = await scope.directory();
    const ledger = await ledgerIn(scope, directory);
    await Promise.all(Array.from({ length: 50 }, (_, index) => ledger.begin(id(`c${index}`), begun())));
    assert.is(readFileSync(path(directory), "utf8").trim().split("\n").length, 1 + 50);
  });

  test("a torn last line is as if it had not been begun", async (scope) => {
    const directory = await scope.directory();
    const first = await ledgerIn(scope, directory);
    await first.begin(id("1"), begun());
    await first.begin(id("2"), begun());
    await first.stop();
    const whole = readFileSync(path(directory));
    for (const cut of [2, 10, 40]) {
      writeFileSync(path(directory), whole.subarray(0, whole.length - cut));
      const second = await ledgerIn(scope, directory);
      assert.equal(
        second.interrupted().map(([one]) => one),
        ["1"],
      );
      assert.is(second.doubt, undefined);
      await second.begin(id("3"), begun());
      await second.stop();
      const third = await ledgerIn(scope, directory);
      assert.equal(
        third.interrupted().map(([one]) => one),
        ["1", "3"],
      );
      await third.stop();
    }
  });

  test("a flipped byte costs its line alone, is known, and the file is kept beside", async (scope) => {
    const directory = await scope.directory();
    const first = await ledgerIn(scope, directory);
    for (const name of ["1", "2", "3"]) await first.begin(id(name), begun());
    await first.stop();
    const bytes = readFileSync(path(directory));
    const second = bytes.indexOf('"id":"2"');
    bytes[second] = (bytes[second] ?? 0) ^ 1;
    writeFileSync(path(directory), bytes);
    const clock = new ManualClock();
    const ledger = await ledgerIn(scope, directory, clock);
    assert.equal(
      ledger.interrupted().map(([one]) => one),
      ["1", "3"],
    );
    assert.equal(ledger.doubt, { why: "damaged" });
    assert.ok(readdirSync(directory).some((name) => name.startsWith("ledger.damaged-")));
    await ledger.stop();
    const later = await ledgerIn(scope, directory);
    assert.equal(later.doubt, { why: "damaged" }, "nobody has told since when it is whole");
    assert.ok(later.lossNoticed);
  });

  test("a line whose newline is damaged or missing counts, and the next one does not run into it", async (scope) => {
    const directory = await scope.directory();
    const first = await ledgerIn(scope, directory);
    await first.begin(id("1"), begun());
    await first.stop();
    const whole = readFileSync(path(directory));
    for (const tail of ["", "J"]) {
      writeFileSync(path(directory), whole.toString().replace(/\n$/, tail));
      const second = await ledgerIn(scope, directory);
      assert.is(second.doubt, undefined);
      await second.begin(id("2"), begun());
      await second.stop();
      const third = await ledgerIn(scope, directory);
      assert.equal(names(third), ["1", "2"]);
      await third.stop();
    }
  });

  test("a ledger that is gone, emptied or another one is lost; one that nobody has known is not", async (scope) => {
    const cases: [
      what: string,
      expected: (known: string) => Expected,
      damage: (file: string) => void,
      lost: boolean,
    ][] = [
      ["the one of before", (known) => ({ id: known, before: true }), () => {}, false],
      ["removed", (known) => ({ id: known, before: true }), (file) => rmSync(file), true],
      ["emptied", (known) => ({ id: known, before: true }), (file) => writeFileSync(file, ""), true],
      ["another", () => ({ id: "another", before: true }), () => {}, true],
      ["removed, and instance is of an earlier version", () => ({ before: true }), (file) => rmSync(file), true],
      ["there, and instance is of an earlier version", () => ({ before: true }), () => {}, false],
      ["there, and instance is gone", () => ({ before: false }), () => {}, false],
      ["a new directory", () => ({ before: false }), (file) => rmSync(file), false],
    ];
    for (const [what, expected, damage, lost] of cases) {
      const directory = await scope.directory();
      const first = await ledgerIn(scope, directory);
      await first.begin(id("1"), begun());
      await first.stop();
      damage(path(directory));
      const second = await ledgerIn(scope, directory, undefined, expected(first.id));
      assert.equal(second.doubt, lost ? { why: "lost" } : undefined, what);
      assert.is(second.id !== first.id, lost || what === "a new directory", what);
      // What it holds is true, whosever it is.
      assert.equal(names(second), readFileSync(path(directory), "utf8").includes('"begun"') ? ["1"] : [], what);
      await second.stop();
      assert.is((await ledgerIn(scope, directory, undefined, { id: second.id, before: true })).lossNoticed, lost, what);
    }
  });

  test("a loss is dated by the console's clock, by the run that noticed it, and later runs know", async (scope) => {
    const directory = await scope.directory();
    // A device without a battery: its own clock says nothing.
    const clock = new ManualClock(0);
    const first = await ledgerIn(scope, directory, clock, { id: "gone", before: true });
    clock.advance(60_000);
    first.learn(1_000_000);
    assert.equal(first.doubt, { why: "lost", since: 940_000 });
    clock.advance(60_000);
    first.learn(1_060_000);
    assert.is(first.doubt?.since, 940_000);
    await first.begin(id("1"), begun());
    await first.stop();
    const second = await ledgerIn(scope, directory, clock, { id: first.id, before: true });
    second.learn(2_000_000);
    assert.equal(second.doubt, { why: "lost", since: 940_000 });
    assert.is(second.lossNoticed, false);
    assert.equal(names(second), ["1"]);
  });

  test("a result whose beginning was in a damaged line stays known", async (scope) => {
    const directory = await scope.directory();
    const first = await ledgerIn(scope, directory);
    await first.begin(id("1"), begun());
    await first.end(id("1"), ended("1"));
    await first.stop();
    const text = readFileSync(path(directory), "utf8");
    writeFileSync(path(directory), text.replace('"begun"', '"begum"'));
    for (let start = 0; start < 2; start++) {
      const ledger = await ledgerIn(scope, directory);
      assert.equal(ledger.find(id("1"))?.ended, ended("1"));
      assert.equal(ledger.doubt, { why: "damaged" });
      await ledger.stop();
    }
  });

  test("a directory that does not sync after a rename costs no record that was promised", async (scope) => {
    const directory = await scope.directory();
    let refuse = false;
    const disk = diskOf((step) => {
      if (refuse && step[0] === "openDirectory") throw new Error("EIO: the directory does not sync");
      return perform(systemCalls, step);
    });
    const ledger = await ledgerIn(scope, directory, undefined, undefined, { disk });
    await ledger.begin(id("1"), begun());
    refuse = true;
    // So large that the file is written anew, which ends between the rename and the directory's sync.
    for (let turn = 0; turn < 3; turn++) {
      await ledger
        .begin(id(`large${turn}`), begun({ key: "k".repeat(2_000), machine: "m".repeat(1_900_000) }))
        .catch(() => {});
      await ledger.end(id(`large${turn}`), ended(`large${turn}`)).catch(() => {});
    }
    await assertRejects(ledger.begin(id("refused"), begun()), /does not sync/);
    refuse = false;
    await ledger.begin(id("2"), begun());
    await ledger.begin(id("3"), begun());
    await ledger.stop();
    const found = names(await ledgerIn(scope, directory));
    for (const name of ["1", "2", "3"]) assert.ok(found.includes(name), `${name} of ${found.join()}`);
  });

  test("a file that is removed under a running agent is written anew with the next record", async (scope) => {
    const directory = await scope.directory();
    const ledger = await ledgerIn(scope, directory);
    await ledger.begin(id("1"), begun());
    rmSync(path(directory));
    await ledger.begin(id("2"), begun());
    await ledger.stop();
    assert.equal(names(await ledgerIn(scope, directory, undefined, { id: ledger.id, before: true })), ["1", "2"]);
  });

  test("settled ids are forgotten after their expiry and a margin, open ones never", async (scope) => {
    const directory = await scope.directory();
    const clock = new ManualClock(10_000);
    const first = await ledgerIn(scope, directory, clock);
    await first.begin(id("expiring"), begun({ at: 10_000, expires: 20_000 }));
    await first.begin(id("plain"), begun({ at: 10_000 }));
    await first.begin(id("open"), begun({ at: 10_000 }));
    for (const name of ["expiring", "plain"]) {
      await first.end(id(name), ended(name));
      first.settle(id(name));
    }
    await first.stop();
    const known = async (): Promise<string[]> => {
      const ledger = await ledgerIn(scope, directory, clock);
      await ledger.stop();
      const again = await ledgerIn(scope, directory, clock);
      await again.stop();
      return ["expiring", "plain", "open"].filter((name) => again.find(id(name)));
    };
    assert.equal(await known(), ["expiring", "plain", "open"]);
    clock.advance(86_400_000 + 20_000);
    assert.equal(await known(), ["plain", "open"]);
    clock.advance(7 * 86_400_000);
    assert.equal(await known(), ["open"]);
  });

  test("the file stays bounded however many commands pass", async (scope) => {
    const directory = await scope.directory();
    const clock = new ManualClock(10_000);
    const ledger = await ledgerIn(scope, directory, clock);
    const large = "x".repeat(20_000);
    for (let turn = 0; turn < 600; turn++) {
      const name = `c${turn}`;
      await ledger.begin(id(name), begun({ at: clock.now() }));
      await ledger.end(id(name), ended(name, large));
      ledger.settle(id(name));
      clock.advance(86_400_000);
    }
    assert.ok(statSync(path(directory)).size < 6 * 1024 * 1024, String(statSync(path(directory)).size));
    assert.is(ledger.find(id("c0")), undefined);
    assert.ok(ledger.find(id("c599"))?.settled);
  });

  test("on a full disk a beginning is refused, and once there is room the ledger goes on", async (scope) => {
    const directory = await smallDisk(scope);
    const ledger = await ledgerIn(scope, directory);
    await ledger.begin(id("before"), begun());
    const filler = fillDisk(directory);
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) => ledger.begin(id(`full${index}`), begun({ key: "x".repeat(60) }))),
    );
    const refused = results.filter(({ status }) => status === "rejected");
    assert.ok(refused.length > 0);
    assert.match(String((refused[0] as PromiseRejectedResult).reason), /ENOSPC/);
    rmSync(filler);
    await ledger.begin(id("after"), begun());
    await ledger.stop();
    const again = await ledgerIn(scope, directory);
    const names = again.interrupted().map(([name]) => name);
    assert.ok(names.includes(id("before")) && names.includes(id("after")));
    assert.is(again.doubt, undefined);
    const taken = results.filter(({ status }) => status === "fulfilled").length;
    assert.is(names.length, 2 + taken);
    await again.stop();
  });
});
