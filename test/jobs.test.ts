import * as assert from "uvu/assert";
import { Console } from "../console/console.ts";
import type { JobRequest } from "../console/jobs/job.ts";
import { brokerKinds, startFleet } from "./fleet.ts";
import { ended, markAgent, marking } from "./marking.ts";
import { openPublisher } from "./publisher.ts";
import { eventually, suite } from "./suite.ts";

const order: JobRequest = {
  key: "mark",
  args: {},
  target: { all: true },
  rate: 100,
  canary: 0,
  abort: null,
  ttl: 60_000,
  timeout: null,
};

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `d${index}`);
for (const kind of brokerKinds) {
  suite(`jobs over ${kind}`, ({ test }) => {
    test("one command to all, each device once", async (scope) => {
      const { fleet, counts } = await marking(scope, kind);
      const { id } = fleet.console.jobs.create({ ...order, canary: 1 }, "ann");
      await ended(fleet.console, id);
      const { summary, rows } = fleet.console.jobs.find(id)!;
      assert.is(summary.state, "done", summary.explain);
      assert.equal(
        rows.map(({ device, state, outcome }) => ({ device: device as string, state, outcome })),
        ["rpi-7", "rpi-8"].map((device) => ({ device, state: "succeeded", outcome: `{"marked":"${device}"}` })),
      );
      assert.equal([...counts.values()], [1, 1]);
    });

    test("a console that stops in the middle goes on when it is back: no device is served twice", async (scope) => {
      const marks = await marking(scope, kind);
      const { fleet, counts } = marks;
      let release: (() => void) | undefined;
      marks.hold = new Promise((resolve) => (release = resolve));
      const { id } = fleet.console.jobs.create({ ...order, canary: 1 }, "ann");
      await eventually("the canary begins", () => counts.get("rpi-7") === 1);
      await fleet.console.stop();
      release?.();
      const again = new Console({
        directory: fleet.state.directory,
        state: fleet.state,
        url: fleet.url,
        password: fleet.secretOf("console"),
        mqttVersion: kind === "embedded" ? 4 : "auto",
      });
      await again.start();
      scope.cleanup(() => again.stop());
      await ended(again, id);
      assert.is(again.jobs.find(id)?.summary.state, "done", again.jobs.find(id)?.summary.explain);
      assert.equal(Object.fromEntries(counts), { "rpi-7": 1, "rpi-8": 1 });
      assert.is(again.desk.list({}).length, 2);
    });
  });
}

suite("jobs over real agents", ({ test }) => {
  test("a canary that fails stops the job before anybody else gets it", async (scope) => {
    const { fleet, counts, broken } = await marking(scope, "embedded", names(4));
    broken.add("d0");
    const { id } = fleet.console.jobs.create({ ...order, canary: 2 }, "ann");
    await ended(fleet.console, id);
    const { summary } = fleet.console.jobs.find(id)!;
    assert.is(summary.state, "aborted");
    assert.match(summary.explain, /1 of 2 canaries failed \(50 %\).*4 of 6 devices were withdrawn or never got it/);
    assert.equal([...counts.keys()].sort(), ["d0", "d1"]);
  });

  test("too many failures abort it", async (scope) => {
    const { fleet, counts, broken } = await marking(scope, "embedded", names(6));
    for (const name of names(6)) broken.add(name);
    const { id } = fleet.console.jobs.create({ ...order, rate: 5, abort: { failed: 0.2, min: 2 } }, "ann");
    await ended(fleet.console, id);
    assert.is(fleet.console.jobs.find(id)?.summary.state, "aborted");
    // What has begun before the second failure is known ends as it does: on a busy machine one or two more.
    assert.ok(counts.size >= 2 && counts.size < 6, [...counts.keys()].join(", "));
    await eventually(
      "how each that began has ended",
      () => fleet.console.jobs.find(id)?.summary.counts.failed === counts.size,
    );
  });

  test("paused, resumed, cancelled while devices work on it", async (scope) => {
    const marks = await marking(scope, "embedded", names(4));
    const { fleet, counts } = marks;
    const { jobs } = fleet.console;
    let release: (() => void) | undefined;
    marks.hold = new Promise((resolve) => (release = resolve));
    const { id } = jobs.create({ ...order, rate: 20 }, "ann");
    await eventually("two began", () => counts.size >= 2);
    jobs.pause(id, "ann");
    const { waiting } = jobs.find(id)!.summary.counts;
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.is(jobs.find(id)?.summary.counts.waiting, waiting);
    jobs.resume(id);
    await eventually("another one", () => (jobs.find(id)?.summary.counts.waiting ?? 9) < waiting);
    const cancelled = jobs.cancel(id, "ann");
    release?.();
    assert.is(cancelled.state, "cancelled");
    assert.is(cancelled.counts.cancelled, 6);
    assert.is((await fleet.console.send("rpi-7", { key: "ping" })).state, "succeeded");
    assert.ok(counts.size < 6);
  });

  test("a device that is away gets it when it comes, and one that takes too long is withdrawn from", async (scope) => {
    const marks = await marking(scope, "embedded");
    const { fleet } = marks;
    marks.hold = new Promise(() => {});
    const { id } = fleet.console.jobs.create({ ...order, timeout: 300 }, "ann");
    await ended(fleet.console, id);
    const { rows, summary } = fleet.console.jobs.find(id)!;
    assert.equal(summary.counts.states, { timed_out: 2 });
    assert.match(rows[0]?.outcome ?? "", /no end within 300ms/);
    fleet.state.accounts.set("d9", "device", "a secret of its own");
    const late = fleet.console.jobs.create({ ...order, target: { devices: ["d9"] } }, "ann");
    assert.match(late.explain, /sending to 1 more of 1 device/);
    await eventually("sent", () => fleet.console.jobs.find(late.id)?.summary.counts.sent === 1);
    assert.match(
      fleet.console.jobs.find(late.id)?.summary.explain ?? "",
      /d9 is offline: nothing to do but bring it back/,
    );
    marks.hold = undefined;
    const own = new Map<string, number>();
    markAgent(fleet.newAgent("d9", { password: "a secret of its own" }), "d9", marks, own).start();
    await ended(fleet.console, late.id);
    assert.is(fleet.console.jobs.find(late.id)?.summary.state, "done");
    assert.is(own.get("d9"), 1);
  });

  test("a sensor that only publishes holds up no job, and is told to be one; once its agent is there it is served", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const { jobs, registry } = fleet.console;
    const counts = new Map<string, number>();
    const marks = { hold: undefined, broken: new Set<string>() };
    markAgent(fleet.newAgent("rpi-7"), "rpi-7", marks, counts).start();
    await fleet.sees("rpi-7", true);
    const publish = await openPublisher(scope, fleet, "rpi-8");
    await publish("muster/rpi-8/metrics/room", Buffer.from('{"temperature":21.5}'));
    await eventually("the sensor is heard", () => (registry.get("rpi-8")?.lastSeen ?? null) !== null);
    const { id } = jobs.create({ ...order, canary: 2, abort: { failed: 0, min: 1 } }, "ann");
    await ended(fleet.console, id);
    const { summary, rows } = jobs.find(id)!;
    assert.is(summary.state, "done", summary.explain);
    assert.equal(
      rows.map(({ device, state, command }) => [device as string, state, command === null]),
      [
        ["rpi-7", "succeeded", false],
        ["rpi-8", "rejected", true],
      ],
    );
    const refused = await fleet.console.send("rpi-8", { key: "ping" }).catch((error: unknown) => error);
    assert.match((refused as Error).message, /^rpi-8 takes no commands: it only publishes/);
    markAgent(fleet.newAgent("rpi-8"), "rpi-8", marks, counts).start();
    await fleet.sees("rpi-8", true);
    const all = jobs.create(order, "ann");
    await ended(fleet.console, all.id);
    assert.equal(jobs.find(all.id)?.summary.counts.states, { succeeded: 2 });
  });
});
