import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join as joined } from "node:path";
import * as assert from "uvu/assert";
import { addresses, type RouteAddress, type RouteName } from "#api/addresses";
import { UnreachableError, type Client } from "#api/client";
import { eventDocuments, type EventQuery } from "#api/event-routes";
import { pages } from "#api/pages";
import type { Route } from "#api/route";
import { routes } from "#api/routes";
import { configurableKeys } from "#shared/configuration";
import type { DeviceId } from "#shared/ids";
import { systemClock } from "#shared/clock";
import { parseJoinCode } from "#shared/join-code";
import { silentLog } from "#shared/log";
import { loadSettings } from "#shared/settings/load-settings";
import { generateSecret, hashSecret, rounds } from "#shared/password";
import { IdentityProvider } from "../console/provider/identity-provider.ts";
import { RunningSettings } from "../console/settings/running-settings.ts";
import { subscriber } from "../console/notifications/push/fixture.ts";
import { DeviceAuthority } from "../tls/device-authority.ts";
import { tlsDirectory } from "../tls/paths.ts";
import { serveApi, type ApiServer } from "./api-server.ts";
import { assertEventFits, checkedClient, statusOf } from "./checked-client.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { codeOf } from "./authenticator.ts";
import { openPublisher } from "./publisher.ts";
import { eventually, suite, type Scope } from "./suite.ts";
import { writeRelease } from "./release.ts";
import { startTls } from "./tls.ts";

const password = "correct horse";
const join = { agent: "dist/muster-agent.cjs" };

async function start(scope: Scope): Promise<ApiServer & { fleet: Fleet }> {
  const { authority, data } = await startTls(scope);
  const deviceAuthority = new DeviceAuthority({
    directory: tlsDirectory(data),
    clock: systemClock,
    log: silentLog,
  });
  await deviceAuthority.start();
  scope.cleanup(() => deviceAuthority.stop());
  const fleet = await startFleet(scope, "embedded", {
    seriesBudget: 1,
    authority,
    deviceAuthority,
    files: { spare: 0 },
  });
  const release = await writeRelease(scope, [{ name: "agent.cjs", content: "1" }]);
  fleet.state.accounts.set("admin", "admin", password);
  fleet.state.accounts.set("eve", "viewer", password);
  return {
    fleet,
    ...(await serveApi(scope, fleet, {
      join: { ...join, release },
      provider: providerThatIsAway(),
      settings: settingsOf(fleet),
    })),
  };
}

function settingsOf({ state: { database } }: Fleet): RunningSettings {
  return new RunningSettings({ database, ...loadSettings({}), log: silentLog });
}

function providerThatIsAway(): IdentityProvider {
  const settings = { issuer: "http://127.0.0.1:1", clientId: "muster", scope: "openid", nameClaim: "sub", rules: [] };
  return new IdentityProvider({ ...settings, origin: () => "http://127.0.0.1", log: silentLog, clock: systemClock });
}

/** What there is to tell in each list: refusals, conflicts, series beyond the budget, something damaged. */
async function makeNews(scope: Scope, { fleet, client }: { fleet: Fleet; client: Client }): Promise<void> {
  const publish = await openPublisher(scope, fleet, "rpi-8");
  const send = (text: string): Promise<void> => publish("muster/rpi-8/metrics/room", Buffer.from(text));
  for (const text of ['{"t":1}', '{"t":"warm"}', "21.5", '{"tags":{"id":"1"},"values":{"t":1}}']) await send(text);
  fleet.console.damage.note("devices", "x", "it does not read");
  const certificate = {
    serial: "1",
    device: "rpi-8" as DeviceId,
    key: "",
    pem: "",
    state: "used" as const,
    authority: null,
  };
  fleet.state.certificates.add({ ...certificate, issued: Date.now(), expires: Date.now() + 86_400_000 });
  await eventually("a field and a series beyond the budget", async () => {
    const [{ entries }, { devices }] = await Promise.all([client.getQuarantine(), client.getSeries()]);
    return entries.length > 0 && devices.length > 0;
  });
}

async function askAboutAlerts(client: Client): Promise<void> {
  const rule = { name: "Asked", when: "mem.used_percent > 0" };
  const { rules } = await client.applyAlertRules({ rules: [rule] });
  assert.ok(rules.some((one) => one.rule.name === rule.name && one.by === "admin"));
  const alert = await eventually("an alert", async () => (await client.listAlerts({ rule: rule.name })).alerts[0]);
  assert.is((await client.getAlert(alert.id)).device, "rpi-7");
  assert.is((await client.acknowledgeAlert(alert.id, { note: "seen" })).state, "acknowledged");
  await client.silenceAlert(alert.id, { for: "1m" });
  assert.is((await client.previewAlertRule({ rule, device: "rpi-7", from: "-1h" })).every, 0);
  await client.removeAlertRule(rule.name);
  await eventually("its end", async () => (await client.getAlert(alert.id)).state === "resolved");
  assert.is((await client.listAlertRules()).rules.length, rules.length - 1);
  const { id } = await client.addMaintenance({ where: "id=rpi-*", cron: "0 3 * * 0", for: "2h" });
  assert.equal(
    (await client.listMaintenance()).maintenance.map((one) => one.cron),
    [null, "0 3 * * 0"],
  );
  await client.removeMaintenance(id);
}

/** Routes that change or end what others look at come last. */
async function askEverything(
  client: Client,
  files: string,
  askAboutFactor: (client: Client) => Promise<void>,
): Promise<void> {
  await client.whoAmI();
  assert.is((await client.listLoginWays()).provider, "127.0.0.1:1");
  assert.is(await statusOf(client.beginProviderLogin({ here: "1" })), 303);
  assert.is(await statusOf(client.endProviderLogin()), 303);
  await client.listAccounts();
  const { id: session } = (await client.listSessions()).sessions.find(({ kind }) => kind === "session") ?? { id: "" };
  await client.endSession(session);
  for await (const { devices } of pages((after) => client.listDevices({ limit: 1, after })))
    for (const { id } of devices) await client.getDevice(id);
  await client.getHistory("rpi-7", { measurement: "mem", field: "used_percent", every: "0" });
  await client.listSeries("rpi-7");
  await client.getCompleteness("rpi-7");
  await client.listCompleteness();
  const done = await client.sendCommand("rpi-7", { key: "ping" });
  assert.is(done.state, "succeeded");
  const queued = await client.sendCommand("rpi-8", { key: "ping", ttl: "1h" }, { wait: false });
  assert.is((await client.getCommand(queued.id, { device: "rpi-8" })).state, "queued");
  assert.is((await client.cancelCommand(queued.id)).state, "cancelled");
  assert.is((await client.listCommands({ state: "succeeded" })).commands[0]?.id, done.id);
  const hello = Buffer.from("hello");
  const sha256 = createHash("sha256").update(hello).digest("hex");
  const given = { size: hello.length, at: 0, data: hello.toString("base64") };
  assert.is((await client.addFilePart(sha256, given)).have, hello.length);
  const { id: fetched } = await client.sendCommand("rpi-7", {
    key: "fetch",
    args: { path: joined(files, "a") },
    ttl: "1m",
  });
  const part = await eventually("the file", () => client.getFilePart(fetched, { at: 0 }).catch(() => undefined));
  assert.equal([part.name, part.sha256, Buffer.from(part.data, "base64")], ["a", sha256, hello]);
  assert.is(await client.getFile(fetched), "hello");
  await client.forgetFile(fetched, { device: "rpi-7" });
  const made = await client.createEnrollment({ name: "cam" });
  assert.is((await client.listEnrollments()).enrollments[0]?.state, "open");
  assert.match(await client.getJoinScript(), /^#!\/bin\/sh/);
  assert.match(await client.getJoinAgent(), /^"use strict"/);
  assert.is((await client.getJoinAuthority()).ca, null);
  assert.is((await client.getRelease()).release?.version, "0.4.0");
  assert.match(await client.getReleaseFile("manifest.json"), /"targets"/);
  const { id: code, secret } = parseJoinCode(made.code);
  const hash = hashSecret(generateSecret(), rounds.generated);
  assert.is((await client.join({ code: `${code}.${secret}`, machine: "m".repeat(22), hash })).device, "cam");
  await client.revokeEnrollment(code);
  const asked = { machine: "n".repeat(22), hash };
  assert.is((await client.askToJoin(asked)).state, "waiting");
  const other = { machine: "o".repeat(22), hash: hashSecret(generateSecret(), rounds.generated) };
  await client.askToJoin(other);
  const [second, first] = (await client.listJoinRequests()).requests;
  await client.denyJoinRequest(second?.id ?? "");
  assert.is((await client.askToJoin(other)).state, "denied");
  assert.is((await client.approveJoinRequest(first?.id ?? "", { name: "asked-1" })).device, "asked-1");
  assert.is((await client.askToJoin(asked)).admission?.device, "asked-1");
  await client.setGroups("rpi-7", { groups: ["lab"] });
  assert.equal((await client.getGroups("rpi-7")).groups, ["lab"]);
  assert.equal((await client.getFleet({ columns: "group" })).rows[0], ["rpi-7", ["lab"]]);
  assert.ok(
    (await client.listFilterNames()).names.some(({ name, values }) => name === "group" && values.includes("lab")),
  );
  assert.equal((await client.listGroups()).groups, { lab: ["rpi-7"] });
  assert.is((await client.setLabels("rpi-7", { name: "Garage" })).name, "Garage");
  const { version } = await client.setConfiguration("group:lab", { settings: { interval: "200ms" } });
  assert.is((await client.getConfiguration("group:lab")).version, version);
  assert.equal(
    (await client.listSettingKeys()).keys.map(({ key }) => key),
    configurableKeys,
  );
  assert.is((await client.getConfigurationHistory("group:lab")).history.length, 1);
  assert.is((await client.listConfigurations()).drift[0]?.state, "unable");
  assert.equal((await client.getDeviceSettings("rpi-7")).desired.from, { interval: "group:lab" });
  await client.setConfiguration("device:rpi-8", { settings: { interval: "1s" } });
  await client.applySettings("rpi-8");
  await client.setUnit({ scope: "group:lab", measurement: "room", field: "t", unit: "°C" });
  assert.is((await client.listUnits()).units[0]?.unit, "°C");
  assert.is((await client.getDevice("rpi-7")).measurements?.["room"]?.fields["t"]?.by, "admin");
  assert.is((await client.keepCommand("a nap / 5 s", { key: "wait", ttl: "1m" })).ttl, 60_000);
  await client.keepView("lab", { query: "?group=lab" });
  const { commands, views } = await client.listFavourites();
  assert.equal([commands[0]?.name, views[0]?.name], ["a nap / 5 s", "lab"]);
  await client.forgetCommand("a nap / 5 s");
  await client.forgetView("lab");
  assert.is((await client.selectTargets({ where: "id=rpi-7" })).devices[0]?.device, "rpi-7");
  assert.is((await client.planJob({ key: "ping", target: { devices: ["rpi-7", "cam"] } })).devices.length, 2);
  const { id } = await client.createJob({
    key: "ping",
    target: { devices: ["rpi-7", "cam"] },
    rate: 0.01,
    abort: { failed: 0.5 },
  });
  assert.is((await client.pauseJob(id)).state, "paused");
  assert.is((await client.resumeJob(id)).state, "running");
  assert.is((await client.cancelJob(id)).state, "cancelled");
  assert.is((await client.getJob(id)).counts.total, 2);
  assert.is((await client.listJobs({ limit: 1 })).jobs[0]?.id, id);
  assert.is((await client.listJobs({ schedule: "none" })).jobs[0]?.id, id);
  const { id: scheduled } = await client.createSchedule({
    name: "nightly",
    cron: "0 3 * * *",
    order: { key: "ping", target: { all: true } },
  });
  assert.is((await client.listSchedules()).schedules[0]?.id, scheduled);
  const hourly = { name: "hourly", cron: "0 * * * *", order: { key: "ping", target: { all: true } } } as const;
  assert.is((await client.changeSchedule(scheduled, hourly)).name, "hourly");
  assert.is((await client.pauseSchedule(scheduled)).paused?.by, "admin");
  assert.is((await client.resumeSchedule(scheduled)).paused, null);
  assert.equal((await client.getSchedule(scheduled)).runs, []);
  await askAboutAlerts(client);
  const week = await client.getReport("week", { back: 0, zone: "Europe/Berlin" });
  assert.equal(
    [week.period.zone, week.totals.devices, week.totals.heard > 0],
    ["Europe/Berlin", week.devices.length, true],
  );
  assert.is((await client.listTimes({ cron: "0 3 * * *" })).times.length, 5);
  await client.removeSchedule(scheduled);
  const refused = (await client.listRefusals()).refusals.find(({ size }) => size !== undefined);
  assert.is((await client.getRefusedPayload(String(refused?.id))).size, refused?.size);
  assert.is((await client.forgetRefusal(String(refused?.id))).forgotten, 1);
  assert.ok((await client.forgetRefusals()).forgotten >= 0);
  await client.setChannel("topic", { kind: "mqtt", settings: {} });
  assert.is((await client.testChannel("topic")).delivered, true);
  assert.is((await client.listChannels()).channels[0]?.name, "topic");
  await client.removeChannel("topic");
  assert.equal((await client.listDeliveries()).deliveries, []);
  // An address that is kept for examples: nobody is asked.
  const browser = { name: "Firefox", endpoint: "https://push.invalid/x", keys: subscriber().keys };
  const { id: added } = await client.addBrowser(browser);
  assert.is((await client.listBrowsers()).browsers[0]?.id, added);
  assert.is((await client.testBrowser(added)).delivered, false);
  await client.removeBrowser(added);
  const { measurement, field } = (await client.listConflicts()).conflicts[0] ?? { measurement: "", field: "" };
  await client.settleField({ measurement, field, type: "string" });
  await client.forgetQuarantine({ device: "rpi-8" });
  assert.is((await client.setConsoleSetting("series-budget", { value: "7" })).value, "7");
  assert.is((await client.resetConsoleSetting("series-budget")).source, "default");
  assert.ok((await client.listConsoleSettings()).settings.some(({ name }) => name === "log-level"));
  assert.is((await client.listAudit({ what: "field", limit: 5 })).entries[0]?.what, "field.settled");
  assert.equal((await client.verifyAudit()).problems, []);
  assert.match(await client.exportAudit(), /"what":"field.settled"/);
  assert.is((await client.listDamage({ limit: 5 })).damaged[0]?.place, "devices");
  await client.forgetDamage();
  await client.trustClock();
  const { next } = await client.rotateTls({ authority: "new" });
  assert.is((await client.getTls()).next?.fingerprint, next?.fingerprint);
  assert.is((await client.finishTls({ leaveBehind: false })).present.fingerprint, next?.fingerprint);
  assert.ok((await client.getHealth()).store?.ok);
  assert.match(await client.getMetrics(), /^# HELP/m);
  assert.is((await client.getCondition()).store.kind, "embedded");
  assert.match((await client.getOpenApi()).openapi, /^3\./);
  const { session: before } = await client.getDevice("rpi-7");
  await client.rotateSecret("rpi-7", {});
  await eventually("rpi-7 again", async () => {
    const { online, session } = await client.getDevice("rpi-7");
    return online && session !== before;
  });
  assert.is((await client.shutDown("rpi-7")).state, "succeeded");
  await client.revokeCertificate("rpi-8");
  assert.is((await client.retireDevice("rpi-8")).by, "admin");
  assert.equal((await client.bringBack("rpi-8")).comesIn, true);
  assert.is((await client.planRemoval("rpi-8")).goes["accounts"], 1);
  await client.removeDevice("rpi-8");
  await client.addAccount({ name: "bob", role: "operator", groups: ["lab"] });
  assert.is((await client.changeAccount("bob", { groups: null, password: true })).password?.length, 27);
  const devices = await client.getDevicesTls();
  assert.equal([devices.before, devices.have], [null, 0]);
  assert.equal((await client.rotateDevicesTls()).before?.fingerprint, devices.present.fingerprint);
  assert.equal((await client.finishDevicesTls({ leaveBehind: false })).lacking, []);
  await askAboutFactor(client);
  const { id: token } = await client.createToken({ name: "x", account: "bob", role: "viewer" });
  assert.is((await client.listTokens()).tokens[0]?.id, token);
  await client.revokeToken(token);
  await client.removeAccount("eve");
  await client.logOut();
}

suite("the contract of the HTTP API", ({ test }) => {
  test(
    "every route answers by its schema, and every event fits",
    async (scope) => {
      const { fleet, url } = await start(scope);
      const answered = new Set<RouteName>();
      const { client } = checkedClient(url, `admin:${password}`, { answered });
      const told = new Set<string>();
      const stop = new AbortController();
      const listen = async (query: EventQuery): Promise<void> => {
        for await (const event of client.events(query, stop.signal)) {
          assertEventFits(event);
          told.add(event.event);
        }
      };
      const listening = Promise.all([listen({}), listen({ fleet: "state,mem.used_percent" })]).catch(
        (error: unknown) => {
          if (!stop.signal.aborted) throw error;
        },
      );
      const heard = (): Promise<unknown> =>
        eventually("all events", () => told.size === Object.keys(eventDocuments).length);
      await Promise.race([listening, eventually("the stream", () => told.has("store"))]);
      const files = await scope.directory();
      await writeFile(joined(files, "a"), "hello");
      await fleet.agent("rpi-7", {
        files: { fetchFrom: [files], putInto: [], own: [] },
        interval: 100,
        rotateSecret: () => hashSecret(generateSecret(), rounds.generated),
      });
      await checkedClient(url, undefined, { answered }).client.logIn({ name: "eve", password });
      const own = checkedClient(url, `rpi-7:${fleet.secretOf("rpi-7")}`, { answered }).client;
      assert.equal(await own.seeJoined(), { device: "rpi-7", online: true });
      await makeNews(scope, { fleet, client });
      await askEverything(client, files, async (admin) => {
        fleet.state.accounts.set("bob", "operator", password);
        const bob = checkedClient(url, `bob:${password}`, { answered }).client;
        const { secret } = await bob.beginSecondFactor();
        await bob.confirmSecondFactor({ code: codeOf(secret) });
        await admin.resetSecondFactor("bob");
      });
      await Promise.race([listening, heard()]);
      stop.abort();
      await listening;
      assert.equal([...answered].sort(), Object.keys(routes).sort());
    },
    { seconds: 30 },
  );

  test("every no is a problem by its schema: to strangers, to viewers, for nothing that is there, for what cannot be read", async (scope) => {
    const { as } = await start(scope);
    const [stranger, viewer, admin] = [as(), as(`eve:${password}`), as(`admin:${password}`)];
    type Ask = (...call: readonly unknown[]) => Promise<unknown>;
    for (const [name, { path, body }] of Object.entries<RouteAddress>(addresses)) {
      if (name === "events") continue;
      const { role }: Route = routes[name as RouteName];
      const call = [...(path.match(/:\w+/g) ?? []).map(() => "nobody"), ...(body ? [{}] : [])];
      const ask = (client: Client): Promise<number> => statusOf((client[name as keyof Client] as Ask)(...call));
      if (role !== undefined) assert.is(await ask(stranger), 401, name);
      if (role !== undefined && role !== "viewer") assert.is(await ask(viewer), 403, name);
      if (path.includes(":") || body) assert.ok([400, 404].includes(await ask(admin)), name);
    }
    assert.is(await statusOf(admin.listDevices({ limit: 0 })), 400);
    assert.is(await statusOf(admin.sendCommand("rpi-7", { key: "ping" })), 409);
  });

  test("the documentation lists every route", () => {
    const page = readFileSync("docs/client.md", "utf8");
    const listed = [...page.matchAll(/^\| `(\w+)` \| `(\w+ \S+)` \|$/gm)].map(([, name, route]) => [name, route]);
    const known = Object.entries<RouteAddress>(addresses).map(([name, { method, path }]) => [
      name,
      `${method} ${path}`,
    ]);
    assert.equal(listed, known);
  });

  test("a console that is gone is told apart from one that says no", async (scope) => {
    const { as, server } = await start(scope);
    const client = as(`admin:${password}`);
    const events = client.events();
    assert.is((await events.next()).value?.event, "store");
    const ending = events.next();
    await server.stop();
    assert.ok((await ending).done, "the stream ends");
    try {
      await client.listDevices();
      assert.unreachable("nobody is there");
    } catch (error) {
      assert.instance(error, UnreachableError);
      assert.is((error as UnreachableError).code, "ECONNREFUSED");
    }
  });
});
