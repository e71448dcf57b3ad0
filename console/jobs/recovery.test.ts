import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId, type CommandId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import { openState } from "../state/state.ts";
import { device, names, office, ping, says } from "./fixture.ts";
import { commandIdOf } from "./job.ts";

suite("jobs after a restart", ({ test }) => {
  test("a console that comes back goes on: nobody is served twice, nobody is left out", async (scope) => {
    const clock = new ManualClock();
    const first = await office(scope, { clock });
    const { id } = first.jobs.create({ ...ping, canary: 1 }, "ann");
    clock.advance(0);
    first.succeed("d0");
    clock.advance(300);
    assert.is(first.sent().length, 4);
    first.stop();
    clock.advance(60_000);
    assert.is(first.sent().length, 4);

    const second = await office(scope, { clock, directory: first.directory });
    assert.is(second.jobs.find(id)?.summary.state, "running");
    second.succeed("d1", "d2", "d3");
    clock.advance(60_000);
    second.succeed(...names(10));
    const commands = second.sent();
    assert.is(commands.length, 10);
    assert.is(new Set(commands.map((command) => command.device)).size, 10);
    assert.is(second.jobs.find(id)?.summary.state, "done");
    second.stop();
    const third = await office(scope, { clock, directory: first.directory });
    assert.is(third.jobs.list(10)[0]?.counts.succeeded, 10);
  });

  test("killed between the row and the command, or before the answer was noted: found by the command's id", async (scope) => {
    const clock = new ManualClock();
    const first = await office(scope, { clock, fleet: names(4).map((id) => device(id)) });
    const { id } = first.jobs.create({ ...ping, rate: 1 }, "ann");
    clock.advance(0);
    first.jobs.stop();
    // d0 ended while nobody noted it; d1's row was written as sent, but its command was never handed over;
    // d2's row still says waiting, but there is a command.
    first.succeed("d0");
    const state = openState(first.directory, clock);
    const { database } = state;
    const write = database.prepare("UPDATE job_devices SET state = 'queued', command = ?, sent = 1 WHERE device = ?");
    const { nonce } = database.prepare("SELECT nonce FROM jobs WHERE id = ?").get(id) as { nonce: string };
    write.run(commandIdOf(id, nonce, parseDeviceId("d1")), "d1");
    state.close();
    first.desk.submit(parseDeviceId("d2"), {
      key: "ping",
      by: "x",
      timeout: null,
      ttl: 60_000,
      id: commandIdOf(id, nonce, parseDeviceId("d2")),
    });
    first.stop();

    const second = await office(scope, {
      clock,
      directory: first.directory,
      fleet: names(4).map((one) => device(one)),
    });
    assert.equal(second.states(id), { d0: "succeeded", d1: "waiting", d2: "waiting", d3: "waiting" });
    clock.advance(10_000);
    second.succeed(...names(4));
    assert.is(second.sent().length, 4);
    assert.is(second.jobs.find(id)?.summary.state, "done");
  });

  test("cancelled and killed before the withdrawal: withdrawn at the next start", async (scope) => {
    const clock = new ManualClock();
    const first = await office(scope, { clock });
    const { id } = first.jobs.create(ping, "ann");
    clock.advance(100);
    first.stop();
    const state = openState(first.directory, clock);
    const { database } = state;
    const { document } = database.prepare("SELECT document FROM jobs").get() as { document: string };
    const cancelled = JSON.stringify({ ...JSON.parse(document), state: "cancelled", why: "cancelled by ann" });
    database.prepare("UPDATE jobs SET state = 'cancelled', document = ?").run(cancelled);
    database.prepare("UPDATE job_devices SET state = 'cancelled' WHERE state = 'waiting'").run();
    state.close();
    const second = await office(scope, { clock, directory: first.directory });
    assert.equal(
      second.sent().map(({ state }) => state),
      ["cancelled", "cancelled"],
    );
    assert.is(second.jobs.find(id)?.summary.counts.cancelled, 10);
  });

  test("a device's time counts from when it is sent to and online, also over a restart", async (scope) => {
    const clock = new ManualClock();
    const fleet = [device("here"), device("away", { online: false }), device("slow")];
    const first = await office(scope, { clock, fleet });
    const { id } = first.jobs.create({ ...ping, rate: 1_000, timeout: 5_000 }, "ann");
    clock.advance(10);
    first.succeed("here");
    clock.advance(4_000);
    first.stop();
    const second = await office(scope, { clock, fleet, directory: first.directory });
    clock.advance(2_000);
    assert.equal(second.states(id), { here: "succeeded", slow: "timed_out", away: "queued" });
    says(second.jobs.find(id)?.rows.find(({ state }) => state === "timed_out")?.outcome, /no end within 5s/);
    says(second.jobs.find(id)?.summary.explain, /away is offline: nothing to do but bring it back/);
    clock.advance(60_000);
    second.set("away", { online: true });
    clock.advance(4_999);
    assert.is(second.states(id)["away"], "queued");
    clock.advance(1);
    assert.is(second.states(id)["away"], "timed_out");
    const { summary } = second.jobs.find(id)!;
    assert.is(summary.state, "done");
    says(summary.explain, /ended: 1 of 3 devices succeeded, 2 did not \(2 timed out\)/);
  });

  test("command ids are different for different devices and jobs, and the same for the same", () => {
    const ids = ["j1", "j2"].flatMap((job) => names(500).map((name) => commandIdOf(job, job, parseDeviceId(name))));
    assert.is(new Set(ids).size, 1_000);
    const again: CommandId = commandIdOf("j1", "j1", parseDeviceId("d0"));
    assert.is(again, ids[0]);
    assert.is.not(commandIdOf("j1", "j2", parseDeviceId("d0")), ids[0], "who does not know the nonce computes another");
    assert.is(
      commandIdOf("j1", "", parseDeviceId("d0")),
      "j1-8a3850c7f38579e2",
      "a job of an earlier version is found again",
    );
  });
});
