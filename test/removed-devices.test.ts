import mqtt from "mqtt";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { CommandFailedError, Console, type ConsoleOptions } from "../console/console.ts";
import { AccountWatch } from "../console/accounts/account-watch.ts";
import { maxRemovals, noteRemoval, Removals } from "../console/devices/removals.ts";
import { openState } from "../console/state/state.ts";
import { transaction } from "../console/database/database.ts";
import { brokerKinds, startFleet, type Fleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite, withDeadline, type Scope } from "./suite.ts";

const device = "rpi-7" as DeviceId;

/** What the broker keeps of the device. */
async function retained(fleet: Fleet): Promise<string> {
  const all = ["-t", `muster/${device}/#`, "-v", "--retained-only", "-W", "1"];
  return (await runProgram("mosquitto_sub", [...fleet.login("ann"), ...all])).out;
}

/** Whatever the console still knows of the device. */
function leftOf({ console, state }: Fleet): unknown {
  const tables = [
    "devices",
    "outboxes",
    "outbox_gaps",
    "clock_offsets",
    "quarantine",
    "device_groups",
    "device_labels",
  ];
  const rows = tables.filter((table) => {
    const key = table === "devices" ? "id" : "device";
    return state.database.prepare(`SELECT 1 FROM ${table} WHERE ${key} = ?`).get(device) !== undefined;
  });
  const account = state.accounts.find(device);
  return [rows, console.registry.get(device), console.contract.quarantine.list(device).length, account];
}

const nothing = [[], undefined, 0, undefined];

suite("devices that are taken away", ({ test }) => {
  for (const kind of brokerKinds) {
    test(`over ${kind} a removed device leaves nothing behind, and its callers are told by whom`, async (scope) => {
      const fleet = await startFleet(scope, kind);
      const { console, state } = fleet;
      const agent = fleet.newAgent(device, { interval: 100 });
      agent.handle("never", { run: () => new Promise(() => {}) });
      agent.start();
      await fleet.sees(device, true);
      console.jobs.groups.set(device, ["lab"]);
      console.labels.put(device, { name: "Garage" }).done();
      console.contract.quarantine.add({
        device,
        measurement: "m",
        field: "f",
        got: "text",
        wanted: "float",
        sample: "x",
        count: 1,
      });
      await fleet.pub("-t", `muster/${device}/metrics/room`, "-m", '{"temperature":21.5}');
      await eventually("a counted batch", () => console.ingest.batches.completeness.of(device).stored > 0);
      const call = console.send(device, { key: "never" }, { timeout: "1m", by: "vic" });
      const failed = call.then(
        () => undefined,
        (error: unknown) => error,
      );
      await eventually("a running call", () => console.desk.list({ device, state: "running" }).length === 1);
      const removed: DeviceId[] = [];
      console.registry.removals.on((id) => removed.push(id));
      assert.ok(console.removeDevice(device, "ann"));
      const error = await withDeadline(failed, 10, "the caller's answer");
      assert.instance(error, CommandFailedError);
      const { command } = (error as CommandFailedError).details;
      assert.equal(
        [command.state, command.error],
        ["cancelled", { code: "removed", message: "rpi-7 was removed by ann" }],
      );
      assert.equal(removed, [device]);
      assert.is(console.removeDevice(device, "ann"), false);
      await assertRefused(console);
      // This Mosquitto has not read its files anew: what the device says is nobody's.
      await eventually("a clean broker", async () => (await retained(fleet)) === "");
      assert.equal(leftOf(fleet), nothing);
      assert.match(console.whyRemoved(device) ?? "", /^rpi-7 was removed by ann$/);
      assert.is(state.database.prepare("SELECT done FROM removed_devices").get()?.["done"], 1);

      // Enrolled again it is a new one, to which nothing comes of what was meant for the other.
      state.accounts.set(device, "device", fleet.secretOf(device));
      assert.is(console.whyRemoved(device), undefined);
      assert.is(console.registry.get(device)?.lastSeen, null);
      assert.equal(console.jobs.groups.of(device), []);
      const again = kind === "embedded" ? await fleet.agent(device, { interval: 100 }) : agent;
      if (kind === "mosquitto") await agent.stop().then(() => fleet.agent(device, { interval: 100 }));
      assert.ok(again);
      await eventually("its batches", () => console.ingest.batches.completeness.of(device).stored > 0);
      assert.is((await console.send(device, { key: "ping" })).state, "succeeded");
    });
  }

  test("at a broker that goes on to bring its words, nothing of a removed device is taken, and it is told why", async (scope) => {
    const fleet = await startFleet(scope, "mosquitto");
    const { console } = fleet;
    await fleet.agent(device, { interval: 100 });
    const heard = await fleet.sub(scope, "-t", `muster/${device}/refused`);
    console.removeDevice(device, "ann");
    assert.match(await heard.line(/"why"/), /rpi-7 was removed by ann: enroll it again, with: npx muster enroll rpi-7/);
    const { stats } = console.ingest;
    const { messages } = stats;
    await fleet.pub("-t", `muster/${device}/cmd`, "-m", "ping");
    await fleet.pub("-r", "-t", `muster/${device}/cmd/42`, "-m", "ping");
    await fleet.pub("-r", "-t", `muster/${device}/cmd/43`, "-m", "ping", "-q", "1");
    await eventually("no task", async () => !(await retained(fleet)).includes("/cmd/"));
    assert.equal([stats.messages, leftOf(fleet)], [messages, nothing]);
  });

  test("what another process removes is let go of at once", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const watch = new AccountWatch(fleet.state.directory, fleet.state.accounts, silentLog);
    watch.start();
    scope.cleanup(() => watch.stop());
    const client = mqtt.connect(fleet.url, {
      username: device,
      clientId: device,
      password: fleet.secretOf(device),
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    scope.cleanup(() => client.endAsync(true));
    await new Promise<void>((resolve) => client.once("connect", () => resolve()));
    const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
    fleet.console.registry.seen(device);
    const other = openState(fleet.state.directory, systemClock);
    scope.cleanup(() => other.close());
    const waiting = fleet.console.desk.submit(device, { key: "ping", by: "vic", timeout: null, ttl: 60_000 });
    noteRemoval(other, { device, by: "eve", now: Date.now() });
    await withDeadline(closed, 10, "the end of its connection");
    await eventually("nothing", () => fleet.console.whyRemoved(device) !== undefined);
    assert.equal(leftOf(fleet), nothing);
    assert.is(fleet.console.desk.find(device, waiting.id)?.error?.message, "rpi-7 was removed by eve");
    // One that has no account, at a broker with accounts of its own, is removed as well.
    const guest = "guest-1" as DeviceId;
    fleet.console.registry.seen(guest);
    noteRemoval(other, { device: guest, by: "eve", now: Date.now() });
    await eventually("no guest", () => fleet.console.registry.get(guest) === undefined);
    // And enrolled again by that process.
    other.accounts.set(device, "device");
    await eventually("a new one", () => fleet.console.registry.get(device) !== undefined);
  });

  for (const again of [false, true]) {
    test(`a console that was away does the rest when it starts${again ? ", also of one that was enrolled again since" : ""}`, async (scope) => {
      const { first, restart } = await alone(scope);
      const queued = first.desk.submit(device, { key: "ping", by: "vic", timeout: null, ttl: 60_000 });
      assert.ok(await first.desk.kept(queued));
      first.jobs.groups.set(device, ["lab"]);
      const job = first.jobs.create(
        {
          key: "ping",
          args: {},
          target: { devices: ["rpi-8", device] },
          rate: 0.001,
          canary: 0,
          abort: null,
          ttl: 60_000,
          timeout: null,
        },
        "vic",
      );
      const { console, state, published } = await restart((elsewhere) => {
        noteRemoval(elsewhere, { device, by: "eve", now: Date.now() });
        if (again) elsewhere.accounts.set(device, "device");
      });
      const command = console.desk.find(device, queued.id);
      assert.equal([command?.state, command?.error?.message], ["cancelled", "rpi-7 was removed by eve"]);
      const row = console.jobs.find(job.id)?.rows[1];
      assert.equal([row?.state, row?.outcome], ["cancelled", "never sent: rpi-7 was removed by eve"]);
      assert.equal(console.jobs.groups.of(device), []);
      assert.is(console.registry.get(device)?.lastSeen, again ? null : undefined);
      await eventually("nothing that is retained", () => published.some(([, payload]) => payload === ""));
      assert.equal(
        published.filter(([topic, payload]) => topic.startsWith(`muster/${device}/cmd/`) && payload !== ""),
        [],
      );
      assert.is(state.database.prepare("SELECT count(*) AS n FROM removed_devices WHERE done = 0").get()?.["n"], 0);
    });
  }
});

suite("removals that are remembered", ({ test }) => {
  test("so many, the newest; what is not done yet stays however old", async (scope) => {
    const state = openState(await scope.directory(), systemClock);
    scope.cleanup(() => state.close());
    const { database, accounts } = state;
    const removals = new Removals({ database, accounts, log: silentLog, forget: () => {}, erase: () => {} });
    const note = (at: number): void => noteRemoval(state, { device: `d${at}` as DeviceId, by: "ann", now: at });
    const add = database.prepare("INSERT INTO removed_devices (device, by, ts, done) VALUES (?, 'ann', ?, ?)");
    transaction(database, () => {
      for (let at = 1; at <= maxRemovals + 1; at++) add.run(`d${at}`, at, at === 1 ? 0 : 1);
    });
    note(maxRemovals + 2);
    removals.start();
    assert.is(removals.why("d2" as DeviceId), undefined, "the oldest that is done");
    for (const known of ["d1", "d3", `d${maxRemovals + 2}`])
      assert.is(removals.why(known as DeviceId), `${known} was removed by ann`);
    removals.settle();
    note(maxRemovals + 3);
    removals.start();
    assert.is(removals.why("d1" as DeviceId), undefined);
  });
});

async function assertRefused(console: Console): Promise<void> {
  const refused = await console.send(device, { key: "ping" }).catch((error: unknown) => error);
  assert.match(String(refused), /there is no device "rpi-7"/);
}

/** A console on a bus that keeps what it is told, so that its end and its next start can be looked at. */
async function alone(scope: Scope) {
  const directory = await scope.directory();
  const published: [string, string][] = [];
  const bus: ConsoleOptions["bus"] = {
    connected: true,
    publish: async (topic, payload) => void published.push([topic, payload.toString()]),
    subscribe: () => async () => {},
    onConnection: (listener) => {
      listener({ up: true, session: "s" });
      return () => {};
    },
  };
  const begin = async (): Promise<{ console: Console; state: ReturnType<typeof openState> }> => {
    const state = openState(directory, systemClock);
    const console = new Console({ directory, state, log: silentLog, bus });
    await console.start();
    return { console, state };
  };
  const before = await begin();
  before.state.accounts.set(device, "device");
  // With an agent once: what only publishes has nothing sent to it by a job.
  for (const id of [device, "rpi-8" as DeviceId])
    before.console.registry.presence(id, { v: 1, online: true, boot: "b", session: "s", commands: { ping: {} } });
  return {
    first: before.console,
    restart: async (change: (state: ReturnType<typeof openState>) => void) => {
      await before.console.stop();
      before.state.close();
      const elsewhere = openState(directory, systemClock);
      change(elsewhere);
      elsewhere.close();
      published.length = 0;
      const after = await begin();
      scope.cleanup(async () => {
        await after.console.stop();
        after.state.close();
      });
      return { ...after, published };
    },
  };
}
