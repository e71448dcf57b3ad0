import { readdirSync, readFileSync, statSync, writeFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseCommandId, type CommandId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { fillDisk, smallDisk } from "../test/small-disk.ts";
import { suite, type Scope } from "../test/suite.ts";
import { Ledger, type Begun, type Ended } from "./ledger.ts";

const id = (text: string): CommandId => parseCommandId(text);
const begun = (more: Partial<Begun> = {}): Begun => ({ key: "count", boot: "first", at: 1_000, attempts: 1, ...more });
const ended = (name: string, result = "done"): Ended => ({
  reply: { id: name, ts: 2_000, state: "succeeded", result },
  encoding: "json",
});

async function ledgerIn(scope: Scope, directory: string, clock = new ManualClock(10_000)): Promise<Ledger> {
  const ledger = new Ledger({ directory, clock, log: silentLog });
  ledger.start();
  scope.cleanup(() => ledger.stop());
  return ledger;
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

  test("a beginning is on the disk when begin has resolved", async (scope) => {
    const directory = await scope.directory();
    const ledger = await ledgerIn(scope, directory);
    await Promise.all(Array.from({ length: 50 }, (_, index) => ledger.begin(id(`c${index}`), begun())));
    assert.is(readFileSync(path(directory), "utf8").trim().split("\n").length, 50);
  });

  test("a torn last line is as if it had not been begun", async (scope) => {
    const directory = await scope.directory();
    const first = await ledgerIn(scope, directory);
    await first.begin(id("1"), begun());
    await first.begin(id("2"), begun());
    await first.stop();
    const whole = readFileSync(path(directory));
    for (const cut of [1, 10, 40]) {
      writeFileSync(path(directory), whole.subarray(0, whole.length - cut));
      const second = await ledgerIn(scope, directory);
      assert.equal(
        second.interrupted().map(([one]) => one),
        ["1"],
      );
      assert.is(second.damagedAt, undefined);
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
    const second = bytes.indexOf(10) + 30;
    bytes[second] = (bytes[second] ?? 0) ^ 1;
    writeFileSync(path(directory), bytes);
    const clock = new ManualClock();
    const ledger = await ledgerIn(scope, directory, clock);
    assert.equal(
      ledger.interrupted().map(([one]) => one),
      ["1", "3"],
    );
    assert.is(ledger.damagedAt, clock.now());
    assert.ok(readdirSync(directory).some((name) => name.startsWith("ledger.damaged-")));
    await ledger.stop();
    assert.is((await ledgerIn(scope, directory)).damagedAt, undefined);
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
    assert.is(again.damagedAt, undefined);
    const taken = results.filter(({ status }) => status === "fulfilled").length;
    assert.is(names.length, 2 + taken);
    await again.stop();
  });
});
