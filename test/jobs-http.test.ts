import * as assert from "uvu/assert";
import type { Client, ConsoleEvent } from "#api/client";
import { hearEvents, serveApi } from "./api-server.ts";
import { assertRefused } from "./checked-client.ts";
import { sendToMany } from "../cli/send-to-many.ts";
import { ended, marking } from "./marking.ts";
import { suite, type Scope } from "./suite.ts";

async function startApi(scope: Scope) {
  const marks = await marking(scope, "embedded");
  const { accounts } = marks.fleet.state;
  accounts.set("eve", "viewer", "battery staple");
  accounts.set("olga", "operator", "correct horse");
  const { url, as } = await serveApi(scope, marks.fleet);
  return { ...marks, url, olga: as("olga:correct horse"), eve: as("eve:battery staple") };
}

const all = { all: true } as const;

suite("HTTP API of jobs", ({ test }) => {
  test("make one, see it, list it", async (scope) => {
    const { olga, fleet } = await startApi(scope);
    const made = await olga.createJob({ key: "mark", target: { where: "id=rpi-*" }, rate: 50 });
    const { id, state, by, ttl, rate, canary, timeout, abort, counts, devices } = made;
    assert.equal(
      { state, by, ttl, rate, canary, timeout, abort },
      {
        state: "running",
        by: "olga",
        ttl: 3_600_000,
        rate: 50,
        canary: 0,
        timeout: null,
        abort: null,
      },
    );
    assert.is(counts.total, 2);
    assert.is(devices.length, 2);
    await ended(fleet.console, id);
    const done = await olga.getJob(id);
    assert.is(done.state, "done");
    assert.is(done.explain, "all 2 devices succeeded; nothing to do");
    const command = done.devices[0]?.command ?? "";
    assert.ok(command.startsWith(`${id}-`));
    assert.is(JSON.stringify(done).includes("nonce"), false);
    assert.is((await olga.getCommand(command)).state, "succeeded");
    const { jobs } = await olga.listJobs();
    assert.equal(
      jobs.map((job) => job.id),
      [id],
    );
    assert.is("devices" in (jobs[0] ?? {}), false);
  });

  test("it is made with 201, and where it is", async (scope) => {
    const { url } = await startApi(scope);
    // The client tells neither the status of an answer nor its headers.
    const response = await fetch(`${url}/api/jobs`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa("olga:correct horse")}`, "content-type": "application/json" },
      body: JSON.stringify({ key: "mark", target: all }),
    });
    assert.is(response.status, 201);
    const { id } = (await response.json()) as { id: string };
    assert.is(response.headers.get("location"), `/api/jobs/${id}`);
  });

  test("a plan says what would become of each device, and sends nothing", async (scope) => {
    const { olga, eve, fleet } = await startApi(scope);
    fleet.state.accounts.set("cam", "device");
    fleet.state.accounts.set("old", "device");
    await olga.retireDevice("old");
    const target = { devices: ["cam", "rpi-7", "rpi-8"] };
    const plan = await olga.planJob({ key: "mark", target, canary: 1 });
    assert.equal(
      plan.devices.map(({ device, verdict, canary }) => [device, verdict, canary]),
      [
        ["cam", "waits", true],
        ["rpi-7", "now", false],
        ["rpi-8", "now", false],
      ],
    );
    assert.equal([plan.now, plan.waits, plan.refused, plan.devices[0]?.why], [2, 1, 0, "never heard"]);
    const none = await olga.planJob({ key: "dance", target: { devices: ["rpi-7"] } });
    assert.equal(
      [none.refused, /offers no "dance"|does not offer "dance"/.test(none.devices[0]?.why ?? "")],
      [1, true],
    );
    await assertRefused(olga.planJob({ key: "mark", target: { devices: ["nobody"] } }), 404, /no device "nobody"/);
    await assertRefused(eve.planJob({ key: "mark", target: all }), 403, /needs the role operator/);
    assert.equal((await olga.listJobs()).jobs, []);
    const said: string[] = [];
    const terminal = { out: (text: string) => said.push(text), err: () => {}, live: false, piped: true };
    assert.is(await sendToMany(olga, ["mark"], { all: true, plan: true }, terminal), 0);
    assert.match(said.join("\n"), /rpi-7 +now[^]*2 now, \d when they are there, 0 not at all; nothing was sent/);
    assert.is(await sendToMany(olga, ["dance"], { where: "id=rpi-7", plan: true }, terminal), 1);
    assert.equal((await olga.listCommands()).commands, []);
  });

  test("pause, resume, cancel; what the state does not allow is a conflict", async (scope) => {
    const { olga } = await startApi(scope);
    const { id } = await olga.createJob({ key: "mark", target: all, rate: 0.01 });
    assert.match((await olga.pauseJob(id)).explain, /paused by olga/);
    await assertRefused(olga.pauseJob(id), 409, /is paused: expected one that is running/);
    assert.is((await olga.resumeJob(id)).state, "running");
    assert.is((await olga.cancelJob(id)).state, "cancelled");
    assert.is((await olga.cancelJob(id)).state, "cancelled");
    await assertRefused(olga.resumeJob(id), 409, /is cancelled/);
    for (const asked of [olga.getJob("none"), olga.cancelJob("none"), olga.pauseJob("none")])
      await assertRefused(asked, 404, /no job "none"; GET \/api\/jobs/);
  });

  test("what cannot be carried out is refused with a sentence", async (scope) => {
    const { olga, eve } = await startApi(scope);
    // Some are none that the client's types let pass: programs of others have no types.
    const cases: readonly (readonly [order: object, status: number, detail: RegExp])[] = [
      [{ key: "mark" }, 400, /target/],
      [{ key: "mark", target: {} }, 400, /expected \{"all": true\}/],
      [{ key: "mark", target: { all: true, group: "x" } }, 400, /expected \{"all": true\}/],
      [{ key: "mark", target: { where: "os=" } }, 400, /expected a value/],
      [{ key: "mark", target: { where: "os" } }, 422, /no device fits os/],
      [{ key: "mark", target: { where: "oss=linux" } }, 400, /no device tells "oss"; there are address, agent, arch/],
      [{ key: "mark", target: { where: "online=false" } }, 422, /no device fits/],
      [{ key: "mark", target: { devices: ["a b"] } }, 400, /device id/],
      [{ key: "mark", target: { devices: ["rpi-9"] } }, 404, /no device "rpi-9"/],
      [{ key: "mark", target: { group: "lab" } }, 404, /no group "lab"/],
      [{ key: "pong", target: all }, 422, /none of the 2 devices offers "pong"; they offer .*mark/],
      [{ key: "set-interval", args: { seconds: "soon" }, target: all }, 422, /seconds/],
      [{ key: "mark", target: all, rate: 0 }, 400, /rate/],
      [{ key: "mark", target: all, canary: -1 }, 400, /canary/],
      [{ key: "mark", target: all, abort: { failed: 20 } }, 400, /failed/],
      [{ key: "mark", target: all, ttl: "soon" }, 400, /ttl is "soon": expected a duration/],
      [{ key: "mark", target: all, ttl: "5" }, 400, /ttl is "5": expected a unit/],
    ];
    const create = olga.createJob as (order: object) => ReturnType<Client["createJob"]>;
    for (const [order, status, detail] of cases) await assertRefused(create(order), status, detail);
    await assertRefused(eve.createJob({ key: "mark", target: all }), 403, /needs the role operator/);
    await assertRefused(eve.setGroups("rpi-7", { groups: [] }), 403, /needs the role operator/);
    assert.equal(await eve.listJobs(), { jobs: [], next: null });
  });

  test("groups are set, shown, and select", async (scope) => {
    const { olga, fleet, counts } = await startApi(scope);
    assert.equal(await olga.getGroups("rpi-8"), { device: "rpi-8", groups: [] });
    const set = await olga.setGroups("rpi-8", { groups: ["lab", "eu"] });
    assert.equal(set, { device: "rpi-8", groups: ["eu", "lab"] });
    assert.equal(await olga.listGroups(), { groups: { eu: ["rpi-8"], lab: ["rpi-8"] } });
    await assertRefused(olga.setGroups("rpi-8", { groups: ["a,b"] }), 400, /group "a,b" is not valid/);
    await assertRefused(olga.getGroups("rpi-9"), 404, /no device/);
    const { id } = await olga.createJob({ key: "mark", target: { group: "lab" } });
    await ended(fleet.console, id);
    assert.equal([...counts], [["rpi-8", 1]]);
  });

  test("changes arrive as events, without the devices", async (scope) => {
    const { olga } = await startApi(scope);
    const { hear, told } = await hearEvents(scope, olga);
    const jobs = await hearEvents(scope, olga, { only: "job" });
    await olga.createJob({ key: "mark", target: all });
    const isEnd = ({ event, data }: ConsoleEvent): boolean => event === "job" && data.state === "done";
    await Promise.all([hear("its end", isEnd), jobs.hear("its end", isEnd)]);
    assert.ok(told.some(({ event }) => event === "command"));
    assert.equal([...new Set(jobs.told.map(({ event }) => event))], ["store", "job"]);
    for (const { event, data } of told)
      if (event === "job") assert.ok(!("devices" in data) && data.explain !== "", JSON.stringify(data));
  });
});
