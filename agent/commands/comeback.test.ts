import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseCommandId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import { rebootMachine, restartCommand } from "./comeback.ts";
import type { CommandError, Interruption, RunContext } from "./handler.ts";

const command = { id: parseCommandId("1"), key: "reboot" };
const interruption = (more: Partial<Interruption> = {}): Interruption => ({
  command,
  begunRunId: "before",
  runId: "after",
  begunMachine: "m1",
  machine: "m2",
  ...more,
});
const context = (): RunContext => ({
  command,
  signal: new AbortController().signal,
  progress() {},
  output() {},
  afterwards() {},
});
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "none",
    (error: CommandError) => error.code,
  );

suite("coming back", ({ test }) => {
  test("a restart has happened when another run asks", async () => {
    const restart = restartCommand(() => {}, new ManualClock());
    assert.equal(await restart.verify?.({}, interruption()), { boot: "after", before: "before" });
  });

  test("a restart that does not happen fails in the end", async () => {
    const clock = new ManualClock();
    let asked = 0;
    const running = codeOf(Promise.resolve(restartCommand(() => void (asked += 1), clock).run({}, context())));
    clock.advance(30_000);
    assert.is(await running, "not-restarted");
    assert.is(asked, 1);
  });

  test("a reboot has happened when the machine's boot id is another", async () => {
    const reboot = rebootMachine(["true"], new ManualClock());
    assert.equal(await reboot.verify?.({}, interruption()), { boot: "after", machine: "m2" });
    for (const same of [{ machine: "m1" }, { machine: undefined }]) {
      assert.throws(
        () => reboot.verify?.({}, interruption(same)),
        (error: CommandError) => error.code === "not-rebooted",
      );
    }
  });

  test("a reboot command that cannot be run, or fails, is told", async () => {
    assert.is(
      await codeOf(Promise.resolve(rebootMachine(["/nonexistent"], new ManualClock()).run({}, context()))),
      "spawn",
    );
    assert.is(await codeOf(Promise.resolve(rebootMachine(["false"], new ManualClock()).run({}, context()))), "exit");
  });
});
