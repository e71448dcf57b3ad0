import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { AuditEntryDocument, Client } from "#api/client";
import { pages } from "#api/pages";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { version } from "#shared/version";
import { parseSyslogUrl } from "#shared/syslog-address";
import { anchorName } from "../console/audit/anchor.ts";
import { search } from "../console/audit/search.ts";
import { hashOf } from "../console/audit/entry.ts";
import { maxKnocks } from "../console/audit/entrances.ts";
import type { ConsoleOptions } from "../console/console-options.ts";
import { maxRefusedChanges } from "../console/http/change-budget.ts";
import { HttpServer } from "../console/http/server.ts";
import { openState } from "../console/state/state.ts";
import { checkedClient, statusOf } from "./checked-client.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running, type Finished } from "./programs.ts";
import { exhaust, fillDisk, smallDisk } from "./small-disk.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const password = "correct horse";

interface House {
  readonly fleet: Fleet;
  readonly url: string;
  readonly admin: Client;
  readonly as: (login: string) => Client;
}

async function start(
  scope: Scope,
  directory?: string,
  options: Pick<ConsoleOptions, "auditSyslog"> = {},
): Promise<House> {
  const state = directory === undefined ? undefined : openState(directory, systemClock);
  const fleet = await startFleet(scope, "embedded", state ? { state, ...options } : options);
  const { console, state: kept } = fleet;
  for (const [name, role] of [
    ["ada", "admin"],
    ["olga", "operator"],
    ["eve", "viewer"],
  ] as const)
    kept.accounts.set(name, role, password);
  const server = new HttpServer({ console, accounts: kept.accounts, listen: "127.0.0.1", port: 0, log: silentLog });
  const url = `http://127.0.0.1:${await server.start()}`;
  scope.cleanup(() => server.stop());
  const as = (login: string): Client => checkedClient(url, login).client;
  return { fleet, url, as, admin: as(`ada:${password}`) };
}

/** What the log says, oldest first, in brief. */
async function told(client: Client, query: Parameters<Client["listAudit"]>[0] = {}): Promise<string[]> {
  const { entries } = await client.listAudit({ limit: 1_000, ...query });
  return entries.toReversed().map(brief);
}

function brief({ who, from, what, on, result }: AuditEntryDocument): string {
  return `${who} from ${from}: ${what} ${on}: ${result}`;
}

const here = "127.0.0.1";

suite("audit that goes elsewhere as well", ({ test }) => {
  test("a console sends its log on, and says on /healthz how far it is", async (scope) => {
    let heard = "";
    const target = createServer((socket) => socket.setEncoding("utf8").on("data", (text: string) => (heard += text)));
    scope.cleanup(() => target.close());
    target.listen(0, "127.0.0.1");
    await once(target, "listening");
    const auditSyslog = parseSyslogUrl(`tcp://127.0.0.1:${(target.address() as AddressInfo).port}`);
    const { admin } = await start(scope, undefined, { auditSyslog });
    await admin.removeAccount("nobody").catch(() => {});
    await eventually("what was tried", () =>
      /<109>1 [^<]*account\.removed[^]*<108>1 [^<]*account\.removed/.test(heard),
    );
    await eventually("the health", async () => {
      const { syslog } = await admin.getHealth();
      return syslog?.ok && syslog.behind === 0 && syslog.lost === 0 && syslog.target === auditSyslog.url;
    });
  });
});

suite("audit of a console at work", ({ test, before }) => {
  let house: House;

  before(async (scope) => {
    house = await start(scope);
    await house.fleet.agent("rpi-7");
  });

  test("commands: who sent them, by which way, and what became of them", async () => {
    const { fleet, admin, as } = house;
    const { id } = await as(`olga:${password}`).sendCommand("rpi-7", { key: "ping" });
    const typed = await fleet.pub("-t", "muster/rpi-7/cmd", "-m", "ping");
    assert.is(typed.code, 0, typed.err);
    await eventually("both ends", async () => (await told(admin, { what: "command.ended" })).length === 2);
    assert.equal((await told(admin, { what: "command" })).sort(), [
      `ann from mqtt: command.sent rpi-7: ok`,
      `olga from ${here}: command.sent rpi-7: ok`,
      `rpi-7 from mqtt: command.ended rpi-7: succeeded`,
      `rpi-7 from mqtt: command.ended rpi-7: succeeded`,
    ]);
    const { entries } = await admin.listAudit({ text: id });
    assert.equal(
      entries.map(({ what, detail }) => [what, detail["id"], detail["key"]]),
      [
        ["command.ended", id, "ping"],
        ["command.sent", id, "ping"],
      ],
    );
  });

  test("jobs: one entry for what was asked of all, and one for each end", async () => {
    const { admin, as } = house;
    const operator = as(`olga:${password}`);
    const { id } = await operator.createJob({ key: "ping", target: { devices: ["rpi-7"] }, rate: 50 });
    await eventually("its end", async () => (await told(admin, { what: "job.ended" })).length === 1);
    assert.equal(await told(admin, { device: id }), [
      `olga from ${here}: job.created ${id}: ok`,
      `console from console: job.ended ${id}: done`,
    ]);
    const { entries } = await admin.listAudit({ text: id, what: "command" });
    assert.equal(
      entries.map(({ what, on, detail }) => [what, on, detail["by"]]),
      [["command.ended", "rpi-7", `olga (job ${id})`]],
    );
  });

  test("what is changed, and what was tried and failed", async () => {
    const { admin, as } = house;
    await as(`olga:${password}`).setGroups("rpi-7", { groups: ["lab"] });
    assert.is(await statusOf(admin.setGroups("nobody", { groups: ["lab"] })), 404);
    assert.is(await statusOf(as(`olga:${password}`).removeAccount("eve")), 403);
    await admin.removeAccount("eve");
    const after = await told(admin, { text: "groups" });
    assert.equal(after, [
      `olga from ${here}: device.groups-set rpi-7: ok`,
      `ada from ${here}: device.groups-set nobody: refused: there is no device "nobody"; GET /api/devices lists them`,
    ]);
    assert.equal(await told(admin, { text: "eve", what: "account" }), [
      `ada from ${here}: account.removed eve: begun`,
      `ada from ${here}: account.removed eve: ok`,
    ]);
    assert.equal(await told(admin, { what: "access.refused" }), [
      `olga from ${here}: access.refused DELETE /api/accounts/:name: refused`,
    ]);
  });

  test("logins: once for each who, from where; and each refused one until they are too many", async () => {
    const { fleet, admin, as, url } = house;
    const logIn = (name: string, secret: string): Promise<Response> =>
      fetch(`${url}/api/session`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name, password: secret }),
      });
    assert.is((await logIn("ada", password)).status, 200);
    assert.is((await logIn("ada", "wrong")).status, 401);
    assert.is(await statusOf(as('x\n{"who"}:wrong').whoAmI()), 401);
    const wrong = await fleet.pub("-u", "mallory", "-P", "wrong", "-t", "x", "-m", "x");
    assert.is.not(wrong.code, 0);
    await eventually("the one at the broker", async () => (await told(admin, { text: "mallory" })).length === 1);
    const all = await told(admin, { what: "login" });
    assert.equal(all, [
      `rpi-7 from ${here}: login.new-place mqtt: ok`,
      `olga from ${here}: login.ok api: ok`,
      `ann from ${here}: login.ok mqtt: ok`,
      `ada from ${here}: login.ok api: ok`,
      `ada from ${here}: login.refused page: refused`,
      `x↵{"who"} from ${here}: login.refused api: refused`,
      `mallory from ${here}: login.refused mqtt: refused`,
    ]);
    assert.ok(all.length <= maxKnocks.ofNetwork + 1);
  });

  test("what changes nothing is no entry", async () => {
    const { admin, fleet } = house;
    fleet.state.accounts.set("ned", "operator", password);
    const ned = house.as(`ned:${password}`);
    const unit = { scope: "default", measurement: "still", field: "x", unit: "°C" };
    const own = async (): Promise<readonly string[]> =>
      (await admin.listAudit({ limit: 1_000, text: "ned" })).entries
        .filter(({ who, what }) => who === "ned" && what !== "login.ok")
        .map(({ what, result }) => `${what} ${result}`);
    for (let times = 0; times < 3; times += 1) {
      await ned.setGroups("rpi-7", { groups: ["still", "lab"] });
      await ned.setLabels("rpi-7", { name: "Still", tags: ["b", "a"] });
      await ned.setUnit(unit);
      await ned.keepView("still", { query: "tab=log" });
      await ned.keepCommand("still", { key: "ping" });
    }
    assert.equal((await own()).toReversed(), [
      "device.groups-set ok",
      "device.labelled ok",
      "unit.set ok",
      "view.kept ok",
      "favourite.kept ok",
    ]);
    await ned.setLabels("rpi-7", { name: null, tags: null });
    await ned.setGroups("rpi-7", { groups: ["lab"] });
    await ned.setUnit({ ...unit, unit: null });
    assert.is((await own()).length, 8);
  });

  test("what a viewer asks for in vain is no flood, and none of it says that it was done", async () => {
    const { admin, as, fleet } = house;
    fleet.state.accounts.set("vic", "viewer", password);
    const vic = as(`vic:${password}`);
    const { id } = await vic.createToken({ name: "x" });
    await vic.revokeToken(id);
    const statuses = [];
    for (let times = 0; times < maxRefusedChanges + 5; times += 1)
      statuses.push(await statusOf(times % 2 ? vic.revokeToken("none") : vic.endSession("none")));
    assert.is(statuses.filter((one) => one === 404).length, maxRefusedChanges);
    assert.is(statuses.filter((one) => one === 429).length, 5);
    const { entries } = await admin.listAudit({ limit: 1_000, text: "vic" });
    const vics = entries.toReversed().filter(({ who, what }) => who === "vic" && what !== "login.ok");
    assert.equal(
      vics.slice(0, 2).map(({ what, result }) => [what, result]),
      [
        ["token.created", "ok"],
        ["token.ended", "ok"],
      ],
    );
    assert.is(vics.length, 2 + maxRefusedChanges);
    assert.ok(vics.slice(2).every(({ result }) => result.startsWith("refused: there is no such")));
  });

  test("it is whole, comes in pages and as lines, and only administrators read it", async () => {
    const { admin, as, url, fleet } = house;
    const { problems, head, entries } = await admin.verifyAudit();
    assert.equal(problems, []);
    assert.ok(head);
    let counted = 0;
    for await (const page of pages((before) => admin.listAudit({ limit: 7, before }))) counted += page.entries.length;
    assert.is(counted, entries);
    const response = await fetch(`${url}/api/audit/export`, {
      headers: { authorization: `Basic ${btoa(`ada:${password}`)}` },
    });
    assert.match(response.headers.get("content-type") ?? "", /ndjson/);
    const lines = (await response.text()).trimEnd().split("\n");
    assert.is(lines.length, entries + 1, "the export is an entry itself");
    const read = lines.map((line) => JSON.parse(line) as Parameters<typeof hashOf>[0] & { hash: string });
    for (const entry of read) assert.is(hashOf({ ...entry, detail: JSON.stringify(entry.detail) }), entry.hash);
    assert.equal((await admin.exportAudit({ after: 1, limit: 2 })).trimEnd().split("\n"), lines.slice(1, 3));
    for (const ask of ["listAudit", "verifyAudit", "exportAudit"] as const)
      assert.is(await statusOf(as(`olga:${password}`)[ask]()), 403);
    fleet.state.database.exec("UPDATE audit SET who = 'eve' WHERE n = 3");
    assert.match((await admin.verifyAudit()).problems.join(), /^entry 3 was changed/);
  });
});

suite("audit on a full disk", ({ test }) => {
  test("what cannot be written down is not done, which is loud; and people are let in to make room", async (scope) => {
    const directory = await smallDisk(scope, 2_048);
    const { fleet, admin, as } = await start(scope, directory);
    await fleet.agent("rpi-7");
    const operator = as(`olga:${password}`);
    assert.is((await operator.sendCommand("rpi-7", { key: "ping" })).state, "succeeded");
    const filler = fillDisk(directory);
    exhaust(fleet.state.database);
    const before = (await admin.verifyAudit()).entries;
    const sorry = await operator.setGroups("rpi-7", { groups: ["lab"] }).then(
      () => "done",
      (thrown: Error) => thrown.message,
    );
    assert.match(sorry, /it was not done, because it could not be written to the audit log.*make room on it/);
    assert.equal((await admin.getGroups("rpi-7")).groups, []);
    assert.is(await statusOf(operator.sendCommand("rpi-7", { key: "ping" })), 503);
    assert.is(await statusOf(operator.createJob({ key: "ping", target: { all: true }, rate: 50 })), 503);
    assert.is((await as(`eve:${password}`).whoAmI()).name, "eve", "a name and password that were not used before");
    const { rows } = await admin.getHealth();
    assert.match(rows?.problem ?? "", /disk takes no writes/);
    assert.is((await admin.verifyAudit()).entries, before);
    rmSync(filler);
    await eventually("the entries", async () => (await told(admin, { what: "audit" })).length > 0);
    assert.equal(await told(admin, { what: "audit" }), ["console from console: audit.refused : refused"]);
    const { entries } = await admin.listAudit({ what: "audit" });
    assert.is(entries[0]?.detail["times"], 3);
    assert.equal(await told(admin, { who: "eve" }), [`eve from ${here}: login.ok api: ok`]);
    assert.equal((await admin.verifyAudit()).problems, []);
    await operator.setGroups("rpi-7", { groups: ["lab"] });
  });
});

suite("muster audit", ({ test }) => {
  test("what verbs do to the data directory is in the log, which is read, looked at and exported without a console", async (scope) => {
    const directory = await scope.directory();
    const muster = (...args: string[]): Promise<Finished> =>
      runProgram(...musterProgram(args), { env: { MUSTER_DATA: directory, MUSTER_ADMIN_PASSWORD: "" } });
    const done = async (...args: string[]): Promise<string> => {
      const { code, out, err } = await muster(...args);
      assert.is(code, 0, err);
      return out;
    };
    await done("operator", "ada", "--role", "admin");
    await done("operator", "bob", "--role", "viewer");
    await done("operator", "bob", "--remove", "--yes");
    await done("enroll", "rpi-7", "--secret");
    await done("device", "rpi-7", "--remove", "--yes");
    const listed = await done("audit", "--offline", "--json");
    const entries = JSON.parse(listed) as AuditEntryDocument[];
    assert.equal(
      entries.toReversed().map(({ from, what, on, result }) => `${from} ${what} ${on}: ${result}`),
      [
        "cli account.added ada",
        "cli account.added bob",
        "cli account.removed bob",
        "cli device.enrolled rpi-7",
        "cli device.removed rpi-7",
      ].flatMap((one) => [`${one}: begun`, `${one}: ok`]),
    );
    assert.match(await done("audit", "--offline", "--what", "device"), /device\.enrolled +rpi-7 +ok/);
    const whole = await done("audit", "--offline", "--verify");
    const [, head = ""] = /noted elsewhere: (\d+:\w+)$/m.exec(whole) ?? [];
    assert.match(whole, /^the log is whole: 10 entries, 1 to 10$/m);
    assert.is((await done("audit", "--offline", "--export")).trimEnd().split("\n").length, 10);
    const state = openState(directory, systemClock);
    state.database.exec("DELETE FROM audit WHERE n = 10");
    state.close();
    rmSync(join(directory, anchorName));
    const cut = await muster("audit", "--offline", "--verify", "--head", head);
    assert.is(cut.code, 1);
    assert.match(cut.out, /NOT whole[^]*the place that was given knows of entry 10, and the log ends at 9/);
  });

  test("a broker without a console in its process tells of its door as well", async (scope) => {
    const directory = await scope.directory();
    const port = await freePort();
    const env = { MUSTER_DATA: directory, MUSTER_MQTT_PORT: String(port), MUSTER_ADMIN_PASSWORD: password };
    const broker = new Running(scope, ...musterProgram(["broker"]), { env });
    await broker.line(/Muster's broker listens at/);
    const knock = (secret: string): Promise<Finished> =>
      runProgram("mosquitto_pub", [
        "-p",
        String(port),
        "-u",
        "admin",
        "-P",
        secret,
        "-t",
        "muster/x/cmd",
        "-m",
        "ping",
      ]);
    assert.is.not((await knock("wrong horse")).code, 0);
    assert.is((await knock(password)).code, 0);
    assert.is(await broker.kill("SIGTERM"), 0);
    const state = openState(directory, systemClock);
    scope.cleanup(() => state.close());
    const all = [...search(state.database, {})].flatMap((entry) => entry ?? []).toReversed();
    assert.equal(
      all.map(({ who, from, what, on }) => `${who} from ${from}: ${what} ${on}`),
      [
        "console from cli: account.changed admin",
        `console from broker: broker.started ${version}`,
        `admin from ${here}: login.refused mqtt`,
        `admin from ${here}: login.ok mqtt`,
        `console from broker: broker.stopped ${version}`,
      ],
    );
  });
});
