import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import { parseDeviceId, type DeviceId } from "#shared/ids";
import type { FleetChanges } from "#api/fleet-routes";
import { maxColumns } from "../console/devices/fleet-columns.ts";
import type { SeriesColumns } from "../console/store/store.ts";
import { askFleet, type AskFlags } from "../cli/ask-fleet.ts";
import type { Terminal } from "../cli/live-command.ts";
import { serveApi } from "./api-server.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { suite, type Scope } from "./suite.ts";

const statusOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "ok",
    (error: Error) => error.message,
  );

function born(fleet: Fleet, id: string, agent: string, facts: Record<string, string>): DeviceId {
  const device = parseDeviceId(id);
  fleet.console.registry.presence(device, {
    v: 1,
    online: true,
    ts: Date.now(),
    boot: `${id}-boot`,
    session: "s",
    instance: id,
    agent,
    interval: 1_000,
    paused: false,
    facts,
    commands: { ping: {}, report: {} },
  });
  return device;
}

const series = (
  measurement: string,
  tags: Record<string, string>,
  fields: SeriesColumns["fields"],
): Omit<SeriesColumns, "device"> => ({ measurement, tags, times: [Date.now()], fields });

/** Two devices of the lab and one outside, with a few values. */
async function lab(
  scope: Scope,
): Promise<{ fleet: Fleet; as: (who?: string) => Client; login: (login: string) => Client }> {
  const fleet = await startFleet(scope, "embedded");
  const { registry, jobs } = fleet.console;
  const one = born(fleet, "lab-1", "0.2.0", { os: "linux", model: "Pi 4" });
  const two = born(fleet, "lab-2", "0.3.0", { os: "linux", model: "Pi 5" });
  born(fleet, "roof", "0.2.0", { os: "freebsd", secret: "of-the-roof" });
  const observe = (device: DeviceId, all: readonly Omit<SeriesColumns, "device">[]): void =>
    void registry.observe(
      device,
      all.map((one) => ({ ...one, device })),
    );
  for (const [id, idle] of [
    [one, 10],
    [two, 80],
  ] as const)
    observe(id, [
      series("cpu", { cpu: "cpu0" }, { usage_idle: [1] }),
      series("cpu", { cpu: "cpu-total" }, { usage_idle: [idle] }),
      series("disk", { path: "/" }, { used_percent: [20] }),
      series("disk", { path: "/data" }, { used_percent: [90] }),
    ]);
  for (const id of [one, two]) jobs.groups.set(id, ["lab"]);
  fleet.state.accounts.set("boss", "admin", "correct horse");
  fleet.state.accounts.set("lou", "viewer", "correct horse", ["lab"]);
  const { as } = await serveApi(scope, fleet);
  return { fleet, as: (who = "boss") => as(`${who}:correct horse`), login: (token) => as(token) };
}

suite("the fleet over HTTP", ({ test }) => {
  test("is chosen from by the filter language, within one's reach, and a fault is told with its place", async (scope) => {
    const { as } = await lab(scope);
    const chosen = async (where: string, who?: string): Promise<string[]> =>
      (await as(who).listDevices({ where })).devices.map(({ id }) => id);
    assert.equal(await chosen(" "), ["lab-1", "lab-2", "roof"]);
    assert.equal(await chosen("group=lab cpu.usage_idle<20 version<0.3"), ["lab-1"]);
    assert.equal(await chosen("disk.used_percent>80"), ["lab-1", "lab-2"]);
    assert.equal(await chosen('model="pi 5" or os!=linux'), ["lab-2", "roof"]);
    assert.equal(await chosen("lab"), ["lab-1", "lab-2"]);
    assert.equal(await chosen("state=online", "lou"), ["lab-1", "lab-2"]);
    assert.equal(
      (await as().selectTargets({ where: "group=lab cpu.usage_idle<20" })).devices.map((one) => one.device),
      ["lab-1"],
    );
    assert.match(await statusOf(chosen("group=lab and")), /character 14: expected a name/);
    assert.match(
      await statusOf(chosen("group=lab so=linux")),
      /character 11: no device tells "so"; there are .*secret/,
    );
    // A name that only another's device tells is none.
    assert.match(
      await statusOf(chosen("secret=of-the-roof", "lou")),
      /no device tells "secret"; there are (?!.*\bsecret, )/,
    );
  });

  test("is a table of the columns asked for, in pages, and then what has changed", async (scope) => {
    const { as, fleet } = await lab(scope);
    const { registry, jobs } = fleet.console;
    const columns = "group, version, cpu.usage_idle, disk.used_percent, model, state";
    const client = as();
    const first = await client.getFleet({ columns, limit: 2 });
    assert.equal(first.columns, ["id", "group", "version", "cpu.usage_idle", "disk.used_percent", "model", "state"]);
    assert.equal(first.rows, [
      ["lab-1", ["lab"], "0.2.0", 10, [20, 90], "Pi 4", "online"],
      ["lab-2", ["lab"], "0.3.0", 80, [20, 90], "Pi 5", "online"],
    ]);
    assert.equal([first.whole, first.next], [true, "lab-2"]);
    const second = await client.getFleet({ columns, limit: 2, after: first.next ?? "" });
    assert.equal([second.rows.map(([id]) => id), second.next], [["roof"], null]);

    const ids = ({ rows, gone, whole }: Awaited<ReturnType<Client["getFleet"]>>) => [
      rows.map(([id]) => id),
      gone,
      whole,
    ];
    const later = await client.getFleet({ columns, since: first.revision });
    assert.equal(ids(later), [[], [], false]);
    registry.observe(parseDeviceId("lab-2"), []);
    jobs.groups.set(parseDeviceId("roof"), ["lab"]);
    assert.equal(ids(await client.getFleet({ columns, since: later.revision })), [["lab-2", "roof"], [], false]);
    assert.equal(ids(await client.getFleet({ columns, where: "version<0.3", since: later.revision })), [
      ["roof"],
      ["lab-2"],
      false,
    ]);
    registry.remove(parseDeviceId("lab-1"));
    assert.equal(ids(await client.getFleet({ columns, since: later.revision })), [["lab-2", "roof"], ["lab-1"], false]);
    // Whom groups limit, and who asks from another life of the console, is told everything.
    assert.equal(ids(await as("lou").getFleet({ since: later.revision })), [["lab-2", "roof"], [], true]);
    assert.equal(ids(await client.getFleet({ since: "another-1" })), [["lab-2", "roof"], [], true]);
    for (const wrong of ["a b", "<", "x,".repeat(5) + Array.from({ length: maxColumns }, (_, at) => `c${at}`).join()])
      assert.match(await statusOf(client.getFleet({ columns: wrong })), /is no column|columns: expected/);
  });

  test("tells each listener of an account's tokens what that token may reach, whoever listened first", async (scope) => {
    const { as, login, fleet } = await lab(scope);
    const { registry, jobs } = fleet.console;
    jobs.groups.set(parseDeviceId("roof"), ["field"]);
    fleet.state.accounts.set("two", "viewer", "correct horse", ["lab", "field"]);
    const stop = new AbortController();
    scope.cleanup(() => stop.abort());
    const follow = async (groups: string[]): Promise<() => Promise<unknown[]>> => {
      const { secret } = await as("two").createToken({ name: "x", groups });
      const events = login(secret).events({ fleet: "cpu.usage_idle" }, stop.signal);
      const next = async (): Promise<unknown[]> => {
        for (;;) {
          const { value } = await events.next();
          if (value?.event === "fleet") return value.data.rows.map(([id]) => id);
        }
      };
      assert.equal(await next(), []);
      return next;
    };
    const [both, field, lab1] = [await follow(["lab", "field"]), await follow(["field"]), await follow(["lab"])];
    for (const id of ["lab-2", "roof"])
      registry.observe(parseDeviceId(id), [
        { ...series("cpu", { cpu: "cpu-total" }, { usage_idle: [40] }), device: parseDeviceId(id) },
      ]);
    assert.equal([await both(), await field(), await lab1()], [["lab-2", "roof"], ["roof"], ["lab-2"]]);
  });

  test("tells its changes in bundles, and no change twice", async (scope) => {
    const { as, fleet } = await lab(scope);
    const { registry, jobs } = fleet.console;
    const stop = new AbortController();
    scope.cleanup(() => stop.abort());
    const follow = async (who: string): Promise<() => Promise<FleetChanges & { events: string[] }>> => {
      const events = as(who).events({ fleet: "cpu.usage_idle,group", device: "lab-1" }, stop.signal);
      const next = async (): Promise<FleetChanges & { events: string[] }> => {
        for (const heard: string[] = []; ;) {
          const { value } = await events.next();
          if (value?.event === "fleet") return { ...value.data, events: heard };
          heard.push(value?.event ?? "end");
        }
      };
      assert.equal((await next()).rows, []);
      return next;
    };
    const boss = await follow("boss");
    const lou = await follow("lou");
    for (let round = 0; round < 3; round++)
      for (const id of ["lab-2", "roof", "lab-1"])
        registry.observe(parseDeviceId(id), [
          { ...series("cpu", { cpu: "cpu-total" }, { usage_idle: [40 + round] }), device: parseDeviceId(id) },
        ]);
    assert.equal((await boss()).rows, [
      ["lab-2", 42, ["lab"]],
      ["roof", 42, []],
      ["lab-1", 42, ["lab"]],
    ]);
    assert.equal(
      (await lou()).rows.map(([id]) => id),
      ["lab-2", "lab-1"],
    );
    // What comes into sight comes as a row, and what goes out of it as removed.
    jobs.groups.set(parseDeviceId("roof"), ["lab"]);
    const came = await lou();
    assert.equal([came.rows, came.events], [[["roof", 42, ["lab"]]], []]);
    jobs.groups.set(parseDeviceId("roof"), []);
    jobs.groups.set(parseDeviceId("lab-2"), ["lab", "x"]);
    const went = await lou();
    assert.equal([went.rows, went.events], [[["lab-2", 42, ["lab", "x"]]], ["removed"]]);
    // Of the device that is looked at everything comes at once as well.
    registry.peopleSaid(parseDeviceId("lab-2"));
    registry.observeProblem(parseDeviceId("lab-1"), "fields", "look at it");
    assert.equal((await lou()).events, ["presence"]);
  });

  test("is asked for values that devices take now, and who did not answer is told", async (scope) => {
    const { as, fleet } = await lab(scope);
    await fleet.agent("rpi-7", { interval: 60_000 });
    const said = { out: "", err: "" };
    const terminal: Terminal = { out: (text) => (said.out += text), err: (text) => (said.err += text), live: false };
    const ask = (where: string, flags: Partial<AskFlags>): Promise<number> =>
      askFleet(as(), where, "mem.used_percent, version", { timeout: "1s", ...flags }, terminal);
    assert.is(await ask("id=rpi-7 or id=lab-1", { fresh: true, sort: "-id" }), 1);
    assert.match(said.out, /^DEVICE +mem\.used_percent +version\nrpi-7 +\d[\d.]* +\S+\nlab-1 +– +0\.2\.0$/);
    assert.match(said.err, /^1 device did not answer:\n {2}lab-1: .+\n$/);
    await askFleet(as(), "", "nosuch", { timeout: "1s" }, terminal).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /^no device tells "nosuch"; there are .*\bgroup, /),
    );
    said.out = "";
    assert.is(await ask("id=rpi-7", { fresh: true, json: true }), 0);
    assert.equal((JSON.parse(said.out) as { silent: unknown }).silent, []);
    // What only publishes cannot be asked: that is told, and no failure; also where there is nothing else.
    const sensor = parseDeviceId("esp-1");
    fleet.console.registry.seen(sensor);
    fleet.console.registry.observe(sensor, [{ ...series("mem", {}, { used_percent: [7] }), device: sensor }]);
    for (const where of ["id=rpi-7 or id=esp-1", "id=esp-1"]) {
      Object.assign(said, { out: "", err: "" });
      assert.is(await ask(where, { fresh: true }), 0, said.err);
      assert.match(said.out, /esp-1 +7 /);
      assert.match(said.err, /^not asked, 1 device:\n {2}esp-1: .*only publishes.*\n$/);
    }
  });
});
