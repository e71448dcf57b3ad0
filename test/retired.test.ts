import * as assert from "uvu/assert";
import type { DeviceId } from "#shared/ids";
import { generateSecret, hashSecret, rounds } from "#shared/password";
import { parseJoinCode } from "#shared/join-code";
import { Retirements } from "../console/devices/retirements.ts";
import { serveApi } from "./api-server.ts";
import { assertRefused } from "./checked-client.ts";
import { startFleet, type BrokerKind, type Fleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";
import type { Client } from "#api/client";

const password = "correct horse";
const device = "rpi-7" as DeviceId;
const join = { agent: "dist/muster-agent.cjs" };

interface Place {
  readonly fleet: Fleet;
  readonly olga: Client;
  readonly admin: Client;
}

async function start(scope: Scope, kind: BrokerKind = "embedded"): Promise<Place> {
  const fleet = await startFleet(scope, kind);
  fleet.state.accounts.set("olga", "operator", password);
  fleet.state.accounts.set("admin", "admin", password);
  const { as } = await serveApi(scope, fleet, { join });
  return { fleet, olga: as(`olga:${password}`), admin: as(`admin:${password}`) };
}

/** A machine joins by a code. @returns its secret */
async function joined(client: Client, code: string, machine: string): Promise<{ device: string; secret: string }> {
  const { id, secret: word } = parseJoinCode(code);
  const secret = generateSecret();
  const hash = hashSecret(secret, rounds.generated);
  return {
    secret,
    device: (await client.join({ code: `${id}.${word}`, machine: machine.padEnd(22, "x"), hash })).device,
  };
}

suite("devices out of service, and other machines in their place", ({ test }) => {
  test("a retired device is let in no more, keeps its history, is passed by, and comes back with its secret", async (scope) => {
    const { fleet, olga, admin } = await start(scope);
    const { console, state } = fleet;
    const agent = await fleet.agent(device, { interval: 200 });
    await fleet.agent("rpi-8");
    await olga.setLabels(device, { name: "Garage" });
    await eventually("its samples", () => console.ingest.batches.completeness.of(device).stored > 0);
    const waiting = await olga.createJob({ key: "ping", target: { devices: ["rpi-8", device] }, rate: 0.01 });
    const { ts } = await olga.retireDevice(device);
    await eventually("its connection's end", () => console.registry.get(device)?.online === false);
    const seen = await olga.getDevice(device);
    assert.equal([seen.name, seen.reason, seen.retired], ["Garage", "retired", { by: "olga", ts }]);
    await agent.stop();
    assert.is((await runProgram("mosquitto_pub", [...fleet.login(device), "-t", "a", "-m", "b"])).code, 4);
    const advice = () => console.refusals.list().find((one) => one.try === `muster device return ${device}`);
    await eventually("what to do", () => /rpi-7 was retired by olga on /.test(advice()?.why ?? ""));
    assert.is(state.accounts.find(device), undefined, "it has nothing to come in by");
    await assertRefused(olga.retireDevice(device), 409, /was retired by olga on .* already/);
    await assertRefused(
      olga.sendCommand(device, { key: "ping", ttl: "1h" }),
      409,
      /retired by olga .* takes no commands/,
    );
    assert.equal(
      (await olga.createJob({ key: "ping", target: { all: true } })).devices.map((row) => row.device),
      ["rpi-8"],
    );
    const named = await olga.createJob({ key: "ping", target: { devices: [device, "rpi-8"] } });
    assert.match(named.devices.find((row) => row.device === device)?.outcome ?? "", /retired by olga/);
    const passed = (await olga.getJob(waiting.id)).devices.find((row) => row.device === device);
    assert.equal([passed?.state, /retired/.test(passed?.outcome ?? "")], ["cancelled", true]);
    assert.ok(
      (await olga.getHistory(device, { measurement: "mem", field: "used_percent", every: "0" })).series.length > 0,
    );

    assert.ok(new Retirements(state).of(device), "it is so after a start as well");
    assert.equal(await olga.bringBack(device), { device, comesIn: true });
    await assertRefused(olga.bringBack(device), 409, /is not retired/);
    await fleet.agent(device, { interval: 200 });
    assert.is((await olga.sendCommand(device, { key: "ping" })).state, "succeeded");
    assert.is((await olga.getDevice(device)).retired, undefined);
    const told = (await admin.listAudit({ device })).entries.map(({ what, result }) => `${what} ${result.slice(0, 7)}`);
    for (const what of ["device.retired ok", "device.retired refused", "device.brought-back ok"])
      assert.ok(told.includes(what), `${what} in ${told.join()}`);
  });

  test("at a broker that goes on to bring its words, nothing of a retired device is taken, and it is told what to do", async (scope) => {
    const { fleet, olga } = await start(scope, "mosquitto");
    const { stats } = fleet.console.ingest;
    await fleet.agent(device, { interval: 100 });
    const heard = await fleet.sub(scope, "-t", `muster/${device}/refused`);
    await olga.retireDevice(device);
    assert.match(
      await heard.line(/"why"/),
      /rpi-7 was retired by olga on \S+: bring it back, with: npx muster device return rpi-7/,
    );
    const { messages } = stats;
    const other = ["-t", "muster/rpi-8/metrics/room", "-m", '{"t":1}'];
    await runProgram("mosquitto_pub", [...fleet.login("rpi-8"), ...other]);
    await eventually("what came behind it", () => stats.messages > messages);
    assert.is(fleet.console.registry.get(device)?.online, false);
    assert.is(stats.messages, messages + 1, "of the other one alone");
    await olga.bringBack(device);
    await eventually("its word", () => fleet.console.registry.get(device)?.online === true);
  });

  test("a retired name is nobody else's, and another machine takes its place by a code for that", async (scope) => {
    const { fleet, olga } = await start(scope);
    const { console, state } = fleet;
    await olga.setLabels(device, { name: "Garage" });
    await olga.retireDevice(device);
    await assertRefused(
      olga.createEnrollment({ name: device }),
      409,
      /rpi-7 is retired: bring it back .*muster device replace rpi-7/,
    );
    const many = await olga.createEnrollment({ name: "{hostname}", uses: 2 });
    const { id, secret } = parseJoinCode(many.code);
    const hash = hashSecret(generateSecret(), rounds.generated);
    const other = await olga.join({ code: `${id}.${secret}`, machine: "o".repeat(22), hash, hostname: device });
    assert.is(other.device, "rpi-7-2");
    await olga.askToJoin({ machine: "p".repeat(22), hash });
    const [request] = (await olga.listJoinRequests()).requests;
    await assertRefused(olga.approveJoinRequest(request?.id ?? "", { name: device }), 409, /choose another name/);
    const { code } = await olga.createEnrollment({ name: device, again: true });
    const machine = await joined(olga, code, "new");
    assert.is(machine.device, device);
    assert.is(console.retirements.of(device), undefined);
    assert.is(state.database.prepare("SELECT count(*) AS n FROM retired_devices").get()?.["n"], 0);
    await fleet.agent(device, { password: machine.secret });
    assert.equal([(await olga.getDevice(device)).name, (await olga.getDevice(device)).retired], ["Garage", undefined]);
  });

  test("a new machine takes over name and history: the old secret ends, what was begun is not begun again, what waits is", async (scope) => {
    const { fleet, olga, admin } = await start(scope);
    const { console } = fleet;
    const old = fleet.newAgent(device, { interval: 200 });
    old.handle("never", { run: () => new Promise(() => {}) });
    old.start();
    await fleet.sees(device, true);
    await eventually("its samples", () => console.ingest.batches.completeness.of(device).stored > 0);
    const begun = await olga.sendCommand(device, { key: "never", ttl: "1h" }, { wait: false });
    await eventually("a running command", () => console.desk.list({ device, state: "running" }).length === 1);
    await old.stop();
    await fleet.sees(device, false);
    const waits = await olga.sendCommand(device, { key: "ping", ttl: "1h" }, { wait: false });
    const { code } = await olga.createEnrollment({ name: device, again: true });
    const { stored } = console.ingest.batches.completeness.of(device);
    const machine = await joined(olga, code, "new");
    const ended = await olga.getCommand(begun.id);
    assert.equal([ended.state, /machine of before/.test(ended.error?.message ?? "")], ["interrupted", true]);
    const turnedAway = console.refusals.list().length;
    const ghost = fleet.newAgent(device, { interval: 200 });
    ghost.start();
    await eventually("the old machine's refusal", () => console.refusals.list().length > turnedAway);
    const whys = console.refusals.list().map(({ why }) => why);
    assert.match(
      whys.join("\n"),
      /rpi-7 was replaced .* perhaps the machine of before, .* only if it is the right one/,
    );
    await ghost.stop();
    const ran: string[] = [];
    const next = fleet.newAgent(device, { interval: 200, password: machine.secret });
    next.handle("never", { run: () => ran.push("never") });
    next.start();
    await fleet.sees(device, true);
    await eventually("what waited", async () => (await olga.getCommand(waits.id)).state === "succeeded");
    await eventually("new samples", () => console.ingest.batches.completeness.of(device).stored > stored);
    assert.equal(ran, [], "what the old machine had begun is not begun again");
    const plan = await admin.planRemoval(device);
    assert.equal([plan.goes["accounts"], plan.goes["openCommands"], plan.stays["endedCommands"]], [1, 0, 2]);
    assert.ok((plan.goes["outboxes"] ?? 0) >= 2, "both machines' batches are counted");
    assert.match(plan.samples, /stay in data\/metrics\.db/);
  });
});
