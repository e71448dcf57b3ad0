import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { suite } from "../../test/suite.ts";
import { trialPatience } from "../install/starter.ts";
import { Trial, trialTime } from "./trial.ts";

function begin({ prove = async () => {} }: { prove?: () => Promise<void> } = {}) {
  const clock = new ManualClock();
  const done: string[] = [];
  let ended: () => void = () => {};
  const over = new Promise<void>((resolve) => (ended = resolve));
  const trial = new Trial({
    versions: { prove: async () => (done.push("prove"), prove()), giveUp: async (why) => void done.push(why) },
    clock,
    log: silentLog,
    report: async () => void done.push("report"),
    stop: async () => void done.push("stop"),
    end: () => (done.push("end"), ended()),
  });
  trial.start();
  return { clock, trial, done, over };
}

suite("a new version's trial", ({ test }) => {
  test("it is in use once it is connected and a batch was acknowledged, and then no time ends it", async () => {
    const { clock, trial, done } = begin();
    trial.acked();
    trial.connected();
    trial.acked();
    trial.acked();
    await trial.proven;
    clock.advance(trialTime * 2);
    trial.connected();
    assert.equal(done, ["report", "prove"]);
  });

  test("without a connection it gives up after its time, and not before", async () => {
    const { clock, done, over } = begin();
    clock.advance(trialTime - 1);
    assert.equal(done, []);
    clock.advance(1);
    await over;
    assert.equal(done, [`it did not connect within ${trialTime / 1_000} s`, "stop", "end"]);
  });

  test("without an ack it says so; an ack that comes later changes nothing", async () => {
    const { clock, trial, done, over } = begin();
    trial.connected();
    clock.advance(trialTime);
    trial.acked();
    await over;
    assert.match(done[1] ?? "", /no batch of it was acknowledged/);
    assert.not.ok(done.includes("prove"));
  });

  test("it gives up where the disk does not take that it is proven", async () => {
    const { trial, done, over } = begin({ prove: async () => Promise.reject(new Error("ENOSPC")) });
    trial.connected();
    trial.acked();
    await over;
    assert.match(done.find((word) => word.includes("written")) ?? "", /cannot be written: ENOSPC/);
  });

  test("one that is stopped meanwhile proves nothing", () => {
    const { clock, trial, done } = begin();
    trial.connected();
    trial.stop();
    trial.acked();
    clock.advance(trialTime);
    assert.equal(done, ["report"]);
  });

  test("it gives up before the starter loses its patience", () => assert.ok(trialTime + 5_000 < trialPatience * 1_000));
});
