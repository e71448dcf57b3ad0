import * as assert from "uvu/assert";
import { asCommandId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import type { JobRefusedError } from "./job-errors.ts";
import { device, names, office, ping, says, thrown } from "./fixture.ts";

/** Something without an agent that was heard a moment ago. */
const publisher = { online: false, boot: null, session: null, agent: null, commands: null, silentAfter: 600_000 };

suite("jobs", ({ test }) => {
  test("the rate is kept by the clock: one at once, then one in each interval, to the end", async (scope) => {
    const { jobs, clock, sent, succeed } = await office(scope);
    const { id, state, counts } = jobs.create(ping, "ann");
    assert.is(state, "running");
    assert.equal([counts.total, counts.waiting], [10, 10]);
    clock.advance(0);
    assert.is(sent().length, 1);
    clock.advance(99);
    assert.is(sent().length, 1);
    clock.advance(1);
    assert.is(sent().length, 2);
    clock.advance(300);
    assert.is(sent().length, 5);
    clock.advance(10_000);
    assert.equal(
      sent().map((command) => command.device),
      names(10),
    );
    says(jobs.find(id)?.summary.explain, /sent to all; waiting for 10 devices \(d0, d1, d2 and 7 more\)/);
    succeed(...names(10));
    const ended = jobs.find(id)?.summary;
    assert.is(ended?.state, "done");
    assert.equal([ended?.counts.succeeded, ended?.counts.sent], [10, 0]);
    assert.is(ended?.explain, "all 10 devices succeeded; nothing to do");
    assert.equal(sent()[0]?.by, `ann (job ${id})`);
    assert.ok(asCommandId(sent()[0]?.id ?? "") && sent()[0]?.id.startsWith(`${id}-`));
  });

  test("canaries go first; the rest follows when all have ended well", async (scope) => {
    const { jobs, clock, sent, succeed } = await office(scope);
    const { id } = jobs.create({ ...ping, canary: 2 }, "ann");
    clock.advance(5_000);
    assert.is(sent().length, 2);
    says(
      jobs.find(id)?.summary.explain,
      /waiting for the canaries d0, d1; the other 8 follow unless more than 0 % fail/,
    );
    succeed("d0");
    clock.advance(5_000);
    assert.is(sent().length, 2);
    succeed("d1");
    clock.advance(5_000);
    assert.is(sent().length, 10);
  });

  test("a canary that fails stops the job; with a threshold it may", async (scope) => {
    const { jobs, clock, sent, succeed, fail, states } = await office(scope);
    const strict = jobs.create({ ...ping, canary: 2 }, "ann");
    clock.advance(5_000);
    succeed("d0");
    fail("d1");
    clock.advance(5_000);
    assert.is(sent().length, 2);
    const { summary } = jobs.find(strict.id)!;
    assert.is(summary.state, "aborted");
    says(summary.why, /1 of 2 canaries failed \(50 %\), more than the 0 % allowed/);
    says(summary.explain, /aborted: .*8 of 10 devices were withdrawn or never got it/);
    assert.equal([summary.counts.failed, summary.counts.cancelled], [1, 8]);
    assert.is(states(strict.id)["d9"], "cancelled");
    assert.is(jobs.find(strict.id)?.rows[1]?.outcome, "no disk");

    const { id } = jobs.create({ ...ping, canary: 2, abort: { failed: 0.5, min: 5 } }, "ann");
    clock.advance(5_000);
    succeed("d0");
    fail("d1");
    clock.advance(5_000);
    assert.is(sent().filter((command) => command.id.startsWith(id)).length, 10);
  });

  test("too many failures abort it, after the minimum; what has not begun is withdrawn, what runs may end", async (scope) => {
    const { jobs, desk, clock, sent, succeed, fail, states } = await office(scope);
    const { id } = jobs.create({ ...ping, abort: { failed: 0.2, min: 3 } }, "ann");
    clock.advance(500);
    assert.is(sent().length, 6);
    const running = sent().find((command) => command.device === "d5")!;
    desk.reply(running.device, running.id, { id: running.id, ts: 1, state: "running", progress: 0.5 });
    assert.is(jobs.find(id)?.rows[5]?.progress, 0.5);
    fail("d0");
    succeed("d1");
    assert.is(jobs.find(id)?.summary.state, "running");
    succeed("d2");
    const { summary } = jobs.find(id)!;
    assert.is(summary.state, "aborted");
    says(summary.why, /1 of 3 devices failed \(33.3 %\), more than the 20 % allowed/);
    assert.equal(states(id)["d3"], "cancelled");
    assert.equal(states(id)["d5"], "running");
    says(summary.explain, /1 still has an open command/);
    succeed("d5");
    clock.advance(10_000);
    assert.is(sent().length, 6);
    assert.equal(jobs.find(id)?.summary.counts.states, { failed: 1, succeeded: 3, cancelled: 6 });
  });

  test("paused, it sends nothing, but takes answers; resumed, it goes on at its pace", async (scope) => {
    const { jobs, clock, sent, succeed } = await office(scope);
    const { id } = jobs.create(ping, "ann");
    clock.advance(100);
    assert.is(sent().length, 2);
    const paused = jobs.pause(id, "bob");
    says(paused.explain, /paused by bob: 8 devices wait, 2 still have an open command; somebody has to resume/);
    clock.advance(10_000);
    succeed("d0", "d1");
    assert.is(sent().length, 2);
    assert.match(thrown(() => jobs.pause(id, "bob")).message, /is paused: expected one that is running/);
    assert.is(jobs.resume(id).state, "running");
    assert.match(thrown(() => jobs.resume(id)).message, /is running: expected one that is paused/);
    clock.advance(100);
    assert.is(sent().length, 4);
    clock.advance(10_000);
    succeed(...names(10));
    assert.is(jobs.find(id)?.summary.state, "done");
    assert.match(thrown(() => jobs.pause(id, "bob")).message, /is done/);
    assert.is((thrown(() => jobs.pause("none", "bob")) as JobRefusedError).reason, "unknown-job");
  });

  test("cancelled: who waits never gets it, open commands are withdrawn", async (scope) => {
    const { jobs, clock, sent, succeed } = await office(scope);
    const { id } = jobs.create(ping, "ann");
    clock.advance(200);
    succeed("d0");
    const cancelled = jobs.cancel(id, "bob");
    assert.is(cancelled.state, "cancelled");
    assert.equal(cancelled.counts.states, { succeeded: 1, cancelled: 9 });
    assert.is(cancelled.explain, "cancelled by bob: 9 of 10 devices were withdrawn or never got it; nothing to do");
    clock.advance(10_000);
    assert.equal(
      sent().map(({ state }) => state),
      ["succeeded", "cancelled", "cancelled"],
    );
    says(sent()[1]?.error?.message, /withdrawn by bob/);
    assert.is(jobs.cancel(id, "eve").why, "cancelled by bob");
    assert.is((thrown(() => jobs.cancel("none", "bob")) as JobRefusedError).reason, "unknown-job");
  });

  test("a person who withdraws one command leaves the job alone", async (scope) => {
    const { jobs, desk, clock, succeed, states, sent } = await office(scope);
    const { id } = jobs.create({ ...ping, abort: { failed: 0, min: 1 } }, "ann");
    clock.advance(10_000);
    const withdrawn = sent().find(({ device: name }) => name === "d3")!;
    desk.cancel(withdrawn.device, withdrawn.id, "bob");
    assert.is(states(id)["d3"], "cancelled");
    succeed(...names(10).filter((name) => name !== "d3"));
    assert.is(jobs.find(id)?.summary.state, "done");
    says(jobs.find(id)?.summary.explain, /ended: 9 of 10 devices succeeded, 1 did not \(1 cancelled\)/);
  });

  test("changes are told a few times a second, its end at once", async (scope) => {
    const { jobs, clock, told, succeed } = await office(scope);
    const { id } = jobs.create({ ...ping, rate: 1_000 }, "ann");
    for (let ms = 0; ms < 1_000; ms += 10) {
      clock.advance(10);
      succeed(...names(5));
    }
    assert.ok(told.length <= 5, String(told.length));
    succeed(...names(10));
    assert.is(told.at(-1)?.state, "done");
    assert.is(told.at(-1)?.id, id);
    assert.is("devices" in told.at(-1)!, false);
    const before = told.length;
    clock.advance(10_000);
    assert.is(told.length, before);
  });

  test("what only publishes is passed over from the start, and fails nothing; what has answered a command is not", async (scope) => {
    const fleet = [device("d0"), device("esp-1", publisher)];
    const { jobs, desk, clock, sent, succeed, states, set } = await office(scope, { fleet });
    const order = { ...ping, canary: 2, abort: { failed: 0, min: 1 } };
    const { id } = jobs.create(order, "ann");
    const row = jobs.find(id)?.rows[1];
    assert.equal([row?.device, row?.state, row?.ended, row?.canary], ["esp-1", "rejected", clock.now(), false]);
    says(row?.outcome, /^esp-1 takes no commands: it only publishes/);
    clock.advance(1_000);
    succeed("d0");
    assert.is(jobs.find(id)?.summary.state, "done");
    for (const target of [{ devices: ["esp-1"] }, { where: "id=esp-*" }])
      assert.match(thrown(() => jobs.create({ ...ping, target }, "ann")).message, /^esp-1 takes no commands/);
    const unknown = thrown(() => jobs.create({ ...ping, key: "brew" }, "ann")) as JobRefusedError;
    assert.is(unknown.message, 'none of the 2 devices offers "brew"; they offer ping, set-interval');

    const [esp] = fleet.slice(1).map((one) => one.id);
    const asked = desk.submit(esp!, { key: "ping", by: "ann", from: "api", timeout: null, ttl: 60_000 });
    assert.is(states(jobs.create(ping, "ann").id)["esp-1"], "rejected");
    desk.reply(asked.device, asked.id, { id: asked.id, ts: 1, state: "succeeded" });
    assert.is(states(jobs.create(ping, "ann").id)["esp-1"], "waiting");
    assert.ok(sent().length >= 2);
    set("esp-1", { online: true, boot: "b", commands: { ping: {} } });
    assert.is(states(jobs.create(ping, "ann").id)["esp-1"], "waiting");
  });

  test("what only publishes is an agent like others once its birth has come", async (scope) => {
    const { jobs, states, set } = await office(scope, { fleet: [device("d0"), device("esp-1", publisher)] });
    assert.is(states(jobs.create(ping, "ann").id)["esp-1"], "rejected");
    set("esp-1", { online: false, boot: "b", commands: { ping: {} } });
    assert.is(states(jobs.create(ping, "ann").id)["esp-1"], "waiting");
  });
});
