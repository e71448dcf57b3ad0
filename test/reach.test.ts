import * as assert from "uvu/assert";
import { addresses, type RouteAddress, type RouteName } from "#api/addresses";
import type { Client } from "#api/client";
import { devicePart, type Route } from "#api/route";
import { routes } from "#api/routes";
import type { DeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { HttpServer } from "../console/http/server.ts";
import { checkedClient, statusOf } from "./checked-client.ts";
import { enqueue } from "../console/notifications/enqueue.ts";
import { noticeOf } from "../console/notifications/fixture.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const join = { agent: "dist/muster-agent.cjs" };
const password = "correct horse";
/** What is in reach of those who are limited to the group `lab`, and what is not. */
const [near, far] = ["rpi-7", "rpi-8"] as const;

interface Given {
  readonly fleet: Fleet;
  /** Sees all. */
  readonly admin: Client;
  /** An administrator and an operator of the group. */
  readonly labAdmin: Client;
  readonly lab: Client;
}

/** What somebody limited to groups gets of a route; `list`: the documents of devices in reach alone. */
type Limit =
  /** Of a device that is out of reach what there is to say of one that is not there. */
  | "device"
  /** Nothing: it concerns the whole fleet. */
  | "fleet"
  /** It tells nothing of devices. */
  | "none"
  | ((given: Given) => Promise<void>);

/** What is told to whom by a list: to an administrator of both devices, to the others of the one in reach. */
function list(ask: (client: Client) => Promise<unknown>): Limit {
  return async ({ admin, lab, labAdmin }) => {
    const all = JSON.stringify(await ask(admin));
    assert.ok(all.includes(near) && all.includes(far), all);
    for (const client of [lab, labAdmin]) {
      const seen = JSON.stringify(await ask(client));
      assert.ok(seen.includes(near), seen);
      assert.not.ok(seen.includes(far), seen);
    }
  };
}

/** A command that waits for the device that is out of reach: as if it were not there. */
function command(ask: (client: Client, id: string, device?: string) => Promise<unknown>): Limit {
  return async ({ admin, lab }) => {
    for (const device of [near, far]) {
      const { id } = await admin.sendCommand(device, { key: "ping", ttl: "1h" }, { wait: false });
      assert.is(await statusOf(ask(lab, id)), device === near ? 200 : 404, device);
      assert.is(await statusOf(ask(lab, id, device)), device === near ? 200 : 404, device);
    }
  };
}

/** None has been fetched; of one that is out of reach there is not even the command. */
function fileOf(ask: (client: Client, id: string, device?: string) => Promise<unknown>): Limit {
  return async ({ admin, lab }) => {
    for (const device of [near, far]) {
      const { id } = await admin.sendCommand(device, { key: "ping" });
      const told = await ask(lab, id, device).catch((thrown: unknown) => String(thrown));
      assert.match(String(told), device === near ? /no file of command/ : /there is no command/);
    }
  };
}

/** What is said for the group and its devices; not of others; for all it is seen, and not changed. */
function configuration(ask: (client: Client, scope: string) => Promise<unknown>, ofAll: number): Limit {
  return async ({ lab }) => {
    for (const scope of ["group:lab", `device:${near}`]) assert.is(await statusOf(ask(lab, scope)), 200, scope);
    for (const scope of ["group:field", `device:${far}`]) assert.is(await statusOf(ask(lab, scope)), 404, scope);
    assert.is(await statusOf(ask(lab, "default")), ofAll);
  };
}

/** A job to both devices is seen in part and not changed; one to the far device alone is not there. */
function job(
  ask: (client: Client, id: string) => Promise<unknown>,
  first?: (client: Client, id: string) => unknown,
): Limit {
  return async ({ admin, lab }) => {
    const order = (devices: string[]) => ({ key: "ping", target: { devices }, rate: 0.01 });
    const shared = await admin.createJob(order([near, far]));
    const foreign = await admin.createJob(order([far, far]));
    const own = await lab.createJob(order([near]));
    await first?.(admin, shared.id);
    assert.is(await statusOf(ask(lab, shared.id)), ask === look ? 200 : 403);
    assert.is(await statusOf(ask(lab, foreign.id)), 404);
    assert.ok([200, 409].includes(await statusOf(ask(lab, own.id))));
    const { counts, devices, target } = await lab.getJob(shared.id);
    assert.equal([counts.total, devices.map((one) => one.device), target], [1, [near], { devices: [near] }]);
    for (const { id } of [shared, foreign, own]) await admin.cancelJob(id);
  };
}
const look = (client: Client, id: string): Promise<unknown> => client.getJob(id);

/** Whoever is limited has his own schedules, and of others there are none. */
function schedule(ask: (client: Client, id: string) => Promise<unknown>): Limit {
  return async ({ admin, lab }) => {
    const order = { name: "x", cron: "0 3 * * *", order: { key: "ping", target: { devices: [near] } } };
    const [foreign, own] = [await admin.createSchedule(order), await lab.createSchedule(order)];
    assert.is(await statusOf(ask(lab, foreign.id)), 404);
    assert.is(await statusOf(ask(lab, own.id)), 200);
    for (const { id } of [foreign, own]) await statusOf(admin.removeSchedule(id));
  };
}

const probeRule = { name: "Reach", when: "muster_reach.v > 1" };

/** What fires for both devices is there for each of them alone. */
function alert(ask: (client: Client, id: string) => Promise<unknown>): Limit {
  return async (given) => {
    const { admin, lab } = given;
    await fireFor(given);
    const { alerts } = await admin.listAlerts({ rule: probeRule.name });
    for (const { id, device } of alerts)
      assert.is(await statusOf(ask(lab, id)), device === near ? 200 : 404, String(device));
  };
}

/** Whoever is limited has the silences that he made; what holds back an alert is not told him by its note. */
function silence(ask: (client: Client, id: string) => Promise<unknown>): Limit {
  return async (given) => {
    const { admin, lab } = given;
    const foreign = await admin.addMaintenance({ rule: probeRule.name, device: near, for: "1h", note: "of the fleet" });
    await fireFor(given);
    const { alerts } = await lab.listAlerts({ rule: probeRule.name });
    await lab.silenceAlert(alerts[0]?.id ?? "", { for: "1h" });
    const own = (await admin.listMaintenance()).maintenance.find(({ id }) => id !== foreign.id);
    assert.not.match(JSON.stringify(await lab.listAlerts({ rule: probeRule.name })), /of the fleet/);
    assert.is(await statusOf(ask(lab, foreign.id)), 404);
    assert.ok([200, 204].includes(await statusOf(ask(lab, own?.id ?? ""))));
    for (const { id } of (await admin.listMaintenance()).maintenance) await admin.removeMaintenance(id);
  };
}

async function fireFor({ admin, fleet }: Given): Promise<void> {
  await admin.applyAlertRules({ rules: [probeRule] });
  for (const device of [near, far])
    fleet.console.alerts.observe(device as DeviceId, [
      { device: device as DeviceId, measurement: "muster_reach", tags: {}, times: [Date.now()], fields: { v: 2 } },
    ]);
  fleet.console.alerts.flush();
}

/** Every route of the contract: what of it is for those who are limited to groups. A new one has to be put in. */
const limits: Readonly<Record<RouteName, Limit>> = {
  logIn: "none",
  listLoginWays: "none",
  beginProviderLogin: "none",
  endProviderLogin: "none",
  whoAmI: "none",
  logOut: "none",
  listSessions: "none",
  endSession: "none",
  listAccounts: "fleet",
  addAccount: "fleet",
  changeAccount: "fleet",
  removeAccount: "fleet",
  beginSecondFactor: "none",
  confirmSecondFactor: "none",
  resetSecondFactor: "fleet",
  createToken: async ({ lab, labAdmin }) => {
    const { groups } = await lab.createToken({ name: "x" });
    assert.equal(groups, ["lab"]);
    assert.is(await statusOf(lab.createToken({ name: "x", groups: ["field"] })), 400);
    assert.is(await statusOf(labAdmin.createToken({ name: "x", account: "lab" })), 403);
  },
  listTokens: "none",
  revokeToken: "none",
  listDevices: list((client) => client.listDevices()),
  getFleet: list((client) => client.getFleet()),
  listFilterNames: async ({ fleet, admin, lab }) => {
    const before = fleet.console.jobs.groups.of(far);
    fleet.console.jobs.groups.set(far as DeviceId, ["behind-the-hill"]);
    assert.match(JSON.stringify(await admin.listFilterNames()), /behind-the-hill/);
    assert.not.match(JSON.stringify(await lab.listFilterNames()), /behind-the-hill/);
    fleet.console.jobs.groups.set(far as DeviceId, before);
  },
  getDevice: "device",
  // What has no certificate is answered as what is out of reach.
  revokeCertificate: "device",
  removeDevice: "device",
  rotateSecret: "device",
  listSeries: "device",
  getHistory: "device",
  getCompleteness: "device",
  getReport: list((client) => client.getReport("week", { back: 0 })),
  listCompleteness: list((client) => client.listCompleteness()),
  sendCommand: "device",
  shutDown: "device",
  listCommands: list((client) => client.listCommands()),
  getCommand: command((client, id, device) => client.getCommand(id, { device })),
  cancelCommand: command((client, id, device) => client.cancelCommand(id, { device })),
  addFilePart: "none",
  getFile: fileOf((client, id, device) => client.getFile(id, { device })),
  getFilePart: fileOf((client, id, device) => client.getFilePart(id, { device, at: 0 })),
  forgetFile: fileOf((client, id, device) => client.forgetFile(id, { device })),
  selectTargets: async ({ lab }) => {
    for (const asked of [{}, { where: "id!=nobody" }])
      assert.equal(
        (await lab.selectTargets(asked)).devices.map(({ device }) => device),
        [near],
      );
    assert.is(await statusOf(lab.selectTargets({ group: "field" })), 404);
  },
  planJob: async ({ lab }) => {
    const { devices } = await lab.planJob({ key: "ping", target: { all: true } });
    assert.equal(
      devices.map(({ device }) => device),
      [near],
    );
    assert.is(await statusOf(lab.planJob({ key: "ping", target: { devices: [far] } })), 404);
  },
  createJob: async ({ lab }) => {
    const { id, counts } = await lab.createJob({ key: "ping", target: { all: true } });
    assert.is(counts.total, 1);
    assert.equal(
      (await lab.getJob(id)).devices.map(({ device }) => device),
      [near],
    );
    const some = await lab.createJob({ key: "ping", target: { where: "online=true" } });
    assert.equal(
      some.devices.map(({ device }) => device),
      [near],
    );
    for (const target of [{ devices: [far] }, { devices: [near, far] }, { group: "field" }])
      assert.is(await statusOf(lab.createJob({ key: "ping", target })), 404, JSON.stringify(target));
  },
  listJobs: async (given) => {
    const { id } = await given.admin.createJob({ key: "ping", target: { devices: [near, far] } });
    const { id: foreign } = await given.admin.createJob({ key: "ping", target: { devices: [far] } });
    const seen = (await given.lab.listJobs()).jobs;
    assert.is(seen.find((one) => one.id === id)?.counts.total, 1);
    assert.not.ok(seen.some((one) => one.id === foreign));
    assert.not.ok(JSON.stringify(seen).includes(far));
  },
  createEnrollment: async ({ admin, lab, labAdmin }) => {
    assert.equal((await lab.createEnrollment({ name: "new-1" })).enrollment.groups, ["lab"]);
    for (const groups of [["field"], ["lab", "field"]])
      assert.is(await statusOf(labAdmin.createEnrollment({ name: "new-2", groups })), 403);
    assert.is(await statusOf(labAdmin.createEnrollment({ name: "new-2" })), 403, "of two groups one has to be named");
    assert.is(await statusOf(lab.createEnrollment({ name: far, again: true })), 404);
    assert.is(await statusOf(lab.createEnrollment({ name: near, again: true })), 200);
    await admin.createEnrollment({ name: "new-3", groups: ["field"] });
  },
  listEnrollments: async ({ admin, lab }) => {
    assert.equal(
      (await lab.listEnrollments()).enrollments.map(({ name }) => name),
      [near, "new-1"],
    );
    assert.is((await admin.listEnrollments()).enrollments.length, 3);
  },
  revokeEnrollment: async ({ admin, lab }) => {
    for (const { id, groups } of (await admin.listEnrollments()).enrollments)
      assert.is(await statusOf(lab.revokeEnrollment(id)), groups.includes("lab") ? 200 : 404);
  },
  listJoinRequests: "fleet",
  approveJoinRequest: "fleet",
  denyJoinRequest: "fleet",
  askToJoin: "none",
  getJoinScript: "none",
  getJoinAgent: "none",
  getJoinAuthority: "none",
  getReleaseFile: "none",
  getRelease: "none",
  join: "none",
  seeJoined: "none",
  getJob: job(look),
  pauseJob: job((client, id) => client.pauseJob(id)),
  resumeJob: job(
    (client, id) => client.resumeJob(id),
    (client, id) => client.pauseJob(id),
  ),
  cancelJob: job((client, id) => client.cancelJob(id)),
  listSchedules: schedule(async (client, id) => {
    const { schedules } = await client.listSchedules();
    if (!schedules.some((one) => one.id === id)) await client.getSchedule("nobody");
  }),
  createSchedule: async ({ lab }) => {
    for (const target of [{ devices: [far] }, { group: "field" }]) {
      const order = { name: "x", cron: "0 3 * * *", order: { key: "ping", target } };
      assert.is(await statusOf(lab.createSchedule(order)), 404, JSON.stringify(target));
    }
  },
  getSchedule: schedule((client, id) => client.getSchedule(id)),
  changeSchedule: schedule((client, id) =>
    client.changeSchedule(id, { name: "x", cron: "0 3 * * *", order: { key: "ping", target: { devices: [near] } } }),
  ),
  pauseSchedule: schedule((client, id) => client.pauseSchedule(id)),
  resumeSchedule: schedule((client, id) => client.resumeSchedule(id)),
  removeSchedule: schedule((client, id) => client.removeSchedule(id)),
  listTimes: "none",
  // Which there are, and of their settings nothing.
  listChannels: "none",
  setChannel: "fleet",
  removeChannel: "fleet",
  testChannel: "fleet",
  // One's own; what they are told is by their persons' reach.
  listBrowsers: "none",
  addBrowser: "none",
  removeBrowser: "none",
  testBrowser: "none",
  listDeliveries: async ({ fleet, admin, lab, labAdmin }) => {
    const { database } = fleet.state;
    database.exec(`INSERT INTO channels VALUES ('ops', 'mqtt', '{}', 1, 1, 'root', 0)`);
    for (const device of [near, far, null]) enqueue(database, noticeOf({ device }));
    const seen = async (client: Client): Promise<unknown> =>
      (await client.listDeliveries()).deliveries.map(({ notice }) => notice.device);
    assert.equal(await seen(admin), [null, far, near]);
    for (const client of [lab, labAdmin]) assert.equal(await seen(client), [near]);
  },
  listAlerts: async (given) => {
    await fireFor(given);
    const limit = list((client) => client.listAlerts({}));
    if (typeof limit === "function") await limit(given);
  },
  getAlert: alert((client, id) => client.getAlert(id)),
  acknowledgeAlert: alert((client, id) => client.acknowledgeAlert(id, {})),
  silenceAlert: alert((client, id) => client.silenceAlert(id, { for: "1m" })),
  listAlertRules: "fleet",
  applyAlertRules: "fleet",
  removeAlertRule: "fleet",
  previewAlertRule: async ({ lab }) => {
    for (const device of [near, far])
      assert.is(await statusOf(lab.previewAlertRule({ rule: probeRule, device })), device === near ? 200 : 404, device);
  },
  listMaintenance: silence(async (client, id) => {
    const { maintenance } = await client.listMaintenance();
    if (!maintenance.some((one) => one.id === id)) await client.getAlert("nobody");
  }),
  addMaintenance: "fleet",
  removeMaintenance: silence((client, id) => client.removeMaintenance(id)),
  listGroups: list((client) => client.listGroups()),
  getGroups: "device",
  setGroups: "device",
  setLabels: "device",
  listFavourites: "none",
  keepCommand: "none",
  forgetCommand: "none",
  keepView: "none",
  forgetView: "none",
  planRemoval: "device",
  retireDevice: "device",
  bringBack: "device",
  listConfigurations: async ({ admin, lab }) => {
    const put = (scope: string, settings: Record<string, string>): Promise<unknown> =>
      admin.setConfiguration(scope, { settings });
    for (const group of ["lab", "field"]) await put(`group:${group}`, { "log-level": "info" });
    for (const device of [near, far]) await put(`device:${device}`, { "log-level": "warn" });
    const seen = await lab.listConfigurations();
    assert.equal(
      seen.scopes.map(({ scope }) => scope),
      ["group:lab", `device:${near}`],
    );
    assert.equal(
      seen.drift.map(({ device }) => device),
      [near],
    );
  },
  listSettingKeys: "none",
  getConfiguration: configuration((client, scope) => client.getConfiguration(scope), 200),
  getConfigurationHistory: configuration((client, scope) => client.getConfigurationHistory(scope), 200),
  setConfiguration: configuration((client, scope) => client.setConfiguration(scope, { settings: {} }), 403),
  getDeviceSettings: "device",
  applySettings: "device",
  listUnits: async ({ admin, lab }) => {
    for (const scope of ["default", "group:lab", "group:field", `device:${near}`, `device:${far}`])
      await admin.setUnit({ scope, measurement: "room", field: "t", unit: "K" });
    assert.equal((await lab.listUnits()).units.map(({ scope }) => scope).sort(), [
      "default",
      `device:${near}`,
      "group:lab",
    ]);
  },
  setUnit: configuration((client, scope) => client.setUnit({ scope, measurement: "room", field: "t", unit: "K" }), 403),
  getQuarantine: list((client) => client.getQuarantine()),
  forgetQuarantine: async ({ admin, lab }) => {
    assert.is((await lab.forgetQuarantine({ device: far })).forgotten, 0);
    assert.ok((await lab.forgetQuarantine()).forgotten > 0);
    const left = (await admin.getQuarantine()).entries.map(({ device }) => device);
    assert.equal([...new Set(left)], [far]);
  },
  getSeries: list((client) => client.getSeries()),
  listRefusals: list((client) => client.listRefusals()),
  getRefusedPayload: async ({ admin, lab }) => {
    for (const { id, name } of (await admin.listRefusals()).refusals.filter(({ size }) => size !== undefined))
      assert.is(await statusOf(lab.getRefusedPayload(String(id))), name === near ? 200 : 404, name ?? "");
  },
  forgetRefusal: async ({ admin, lab }) => {
    const of = async (device: string): Promise<string> =>
      String((await admin.listRefusals({ device })).refusals[0]?.id);
    assert.is(await statusOf(lab.forgetRefusal(await of(far))), 404);
    assert.is((await lab.forgetRefusal(await of(near))).forgotten, 1);
  },
  forgetRefusals: async ({ admin, lab }) => {
    const before = (await admin.listRefusals({ device: far })).refusals.length;
    await lab.forgetRefusals();
    assert.equal((await admin.listRefusals({ device: near })).refusals, []);
    assert.is((await admin.listRefusals({ device: far })).refusals.length, before);
  },
  listConsoleSettings: "fleet",
  setConsoleSetting: "fleet",
  resetConsoleSetting: "fleet",
  getCondition: "fleet",
  listConflicts: list((client) => client.listConflicts()),
  settleField: "fleet",
  listAudit: "fleet",
  verifyAudit: "fleet",
  exportAudit: "fleet",
  listDamage: "fleet",
  forgetDamage: "fleet",
  trustClock: "fleet",
  getTls: "fleet",
  rotateTls: "fleet",
  finishTls: "fleet",
  getDevicesTls: "fleet",
  rotateDevicesTls: "fleet",
  finishDevicesTls: "fleet",
  getHealth: "none",
  getMetrics: "none",
  getOpenApi: "none",
  events: async ({ admin, lab, fleet }) => {
    const told: string[] = [];
    const stop = new AbortController();
    const listening = (async () => {
      for await (const event of lab.events({}, stop.signal)) told.push(JSON.stringify(event));
    })().catch(() => {});
    const heard = (what: string, pattern: RegExp): Promise<unknown> =>
      eventually(what, () => told.some((one) => pattern.test(one)));
    await heard("the stream", /"store"/);
    await admin.createJob({ key: "ping", target: { devices: [far, near] } });
    await heard("a job", /"job"/);
    for (const what of ["sample", "command"]) await heard(what, new RegExp(`"event":"${what}".*"${near}"`));
    assert.not.ok(
      told.some((one) => one.includes(far)),
      "out of reach",
    );
    await admin.setGroups(far, { groups: ["lab", "field"] });
    await heard("the device that came into the group", new RegExp(`"presence".*"${far}"`));
    await heard("its samples", new RegExp(`"sample".*"${far}"`));
    await admin.setGroups(far, { groups: ["field"] });
    await heard("its going", new RegExp(`"removed".*"${far}"`));
    const since = told.length;
    await admin.sendCommand(far, { key: "ping" });
    await admin.sendCommand(near, { key: "ping" });
    await eventually("a command in reach", () => told.slice(since).some((one) => one.includes('"succeeded"')));
    assert.not.ok(
      told.slice(since).some((one) => one.includes(far)),
      "out of reach again",
    );
    // With a limit that changes ends what was opened under the old one.
    fleet.state.accounts.setRights("lab", { groups: ["field"] });
    await listening;
    fleet.state.accounts.setRights("lab", { groups: ["lab"] });
    stop.abort();
  },
};

/** @param news whether each list has something to tell of each device, which takes a while */
async function start(scope: Scope, news = false): Promise<Given> {
  const fleet = await startFleet(scope, "embedded", { seriesBudget: budget });
  const { console, state } = fleet;
  const { accounts, groups } = state;
  accounts.set("admin", "admin", password);
  accounts.set("lab", "operator", password, ["lab"]);
  accounts.set("lab-admin", "admin", password, ["lab", "nothing-yet"]);
  const server = new HttpServer({ console, accounts, listen: "127.0.0.1", port: 0, join, log: silentLog });
  const url = `http://127.0.0.1:${await server.start()}`;
  scope.cleanup(() => server.stop());
  const as = (name: string): Client => checkedClient(url, `${name}:${password}`).client;
  const given = { fleet, admin: as("admin"), lab: as("lab"), labAdmin: as("lab-admin") };
  for (const device of [near, far])
    if (news) await makeNews(given, device);
    else await makeKnown(given, device);
  groups.set(console.registry.get(near)!.id, ["lab"]);
  groups.set(console.registry.get(far)!.id, ["field"]);
  return given;
}

/** Of one device; the agent's own are fewer. */
const budget = 100;
const manySeries = JSON.stringify(
  Array.from({ length: budget + 1 }, (_, id) => ({ tags: { id: String(id) }, values: { t: 1 } })),
);

/** A device at work that has had a command. */
async function makeKnown({ fleet, admin }: Pick<Given, "fleet" | "admin">, device: string): Promise<void> {
  await fleet.agent(device, { interval: 100 });
  await admin.sendCommand(device, { key: "ping" });
}

/** Something to tell of the device in each list. */
async function makeNews({ fleet, admin }: Pick<Given, "fleet" | "admin">, device: string): Promise<void> {
  // Its series are known before others take their place.
  const first = await fleet.agent(device, { interval: 100 });
  await eventually(`samples of ${device}`, () => fleet.console.registry.latest(device as DeviceId).length > 0);
  await first.stop();
  const measurement = device.replace("-", "_");
  for (const text of ['{"t":1}', '{"t":"warm"}', "21.5", manySeries])
    await runProgram("mosquitto_pub", [
      ...fleet.login(device),
      "-t",
      `muster/${device}/metrics/${measurement}`,
      "-m",
      text,
    ]);
  await makeKnown({ fleet, admin }, device);
  await eventually(`news of ${device}`, async () => {
    const lists = await Promise.all([
      admin.getQuarantine(),
      admin.getSeries(),
      admin.listRefusals(),
      admin.listConflicts(),
      admin.listCompleteness(),
    ]);
    return lists.every((one) => JSON.stringify(one).includes(device));
  });
}

suite("who is limited to groups of devices", ({ test }) => {
  test("every route is in the table, and the contract says the same of it", () => {
    assert.equal(Object.keys(limits).sort(), Object.keys(addresses).sort());
    for (const [name, { path }] of Object.entries<RouteAddress>(addresses)) {
      const { fleet }: Route = routes[name as RouteName];
      const limit = limits[name as RouteName];
      assert.is(limit === "fleet", fleet === true, name);
      assert.is(limit === "device", devicePart(path) !== undefined, name);
    }
  });

  test(
    "no route tells of a device that is out of reach, nor acts on it",
    async (scope) => {
      const given = await start(scope, true);
      type Ask = (...call: readonly unknown[]) => Promise<unknown>;
      const bodies: Partial<Record<RouteName, object>> = {
        rotateSecret: {},
        sendCommand: { key: "ping" },
        setGroups: { groups: [] },
        setLabels: { name: "x" },
        approveJoinRequest: { name: "x" },
        addAccount: { name: "eve", role: "viewer" },
        changeAccount: { role: "viewer" },
        settleField: { measurement: "rpi_7", field: "t", type: "string" },
      };
      const queries: Partial<Record<RouteName, object>> = { getHistory: { measurement: "mem", field: "used" } };
      const ask = (client: Client, name: RouteName, part: string): Promise<number> => {
        const { path }: RouteAddress = addresses[name];
        const call = [...(path.match(/:\w+/g) ?? []).map(() => part), bodies[name], queries[name]];
        return statusOf((client[name] as Ask)(...call.filter((one) => one !== undefined)));
      };
      for (const [name, limit] of Object.entries(limits) as [RouteName, Limit][]) {
        if (limit === "fleet") assert.is(await ask(given.labAdmin, name, "x"), 403, name);
        else if (limit === "device") {
          assert.is(await ask(given.labAdmin, name, far), 404, name);
          assert.is(await ask(given.labAdmin, name, "rpi-99"), 404, name);
        } else if (limit !== "none")
          await limit(given).catch((error: unknown) => {
            throw new Error(`${name}: ${String(error)}`, { cause: error });
          });
      }
      assert.ok(given.fleet.console.registry.get(far), "it is still there");
    },
    { seconds: 60 },
  );

  test("groups that are not theirs are left as they are, and their own are theirs", async (scope) => {
    const { lab, admin, labAdmin } = await start(scope);
    await admin.setGroups(near, { groups: ["lab", "roof"] });
    assert.is(await statusOf(lab.setGroups(near, { groups: ["lab"] })), 403);
    assert.is(await statusOf(lab.setGroups(near, { groups: ["lab", "roof", "field"] })), 403);
    assert.is(await statusOf(labAdmin.setGroups(near, { groups: ["lab", "roof", "nothing-yet"] })), 200);
    assert.equal((await labAdmin.getGroups(near)).groups, ["lab", "nothing-yet", "roof"]);
    assert.equal((await lab.whoAmI()).groups, ["lab"]);
    await labAdmin.removeDevice(near);
    assert.equal((await lab.listDevices()).devices, []);
  });

  test("the embedded broker brings what is in reach alone, and takes nothing for the rest", async (scope) => {
    const { fleet, admin } = await start(scope);
    fleet.state.accounts.setRights("ann", { groups: ["lab"] });
    const all = await fleet.sub(scope, "-t", "muster/#", "-t", "$SYS/broker/version");
    await all.line(new RegExp(`^muster/${near}/status `));
    await all.line(/^muster\/console\/status /);
    await fleet.pub("-t", `muster/${far}/cmd`, "-m", "ping");
    await fleet.pub("-t", `muster/${near}/cmd`, "-m", "ping");
    await all.line(new RegExp(`^muster/${near}/reply/`));
    assert.not.ok(all.lines.some((line) => line.startsWith(`muster/${far}/`)));
    const keys = (await admin.listCommands({ device: far })).commands.map(({ by }) => by);
    assert.equal(keys, ["admin"]);
    await admin.setGroups(far, { groups: ["lab"] });
    await all.line(new RegExp(`^muster/${far}/metrics`));
    await fleet.pub("-t", `muster/${far}/cmd`, "-m", "ping");
    await all.line(new RegExp(`^muster/${far}/reply/`));
  });
});
