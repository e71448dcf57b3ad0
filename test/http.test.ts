import * as assert from "uvu/assert";
import { addresses } from "#api/addresses";
import type { Client, CommandOrder, SampleValue } from "#api/client";
import { systemClock } from "#shared/clock";
import { maxNesting } from "#shared/nesting";
import { hearEvents, serveApi, type ApiServer } from "./api-server.ts";
import { assertRefused } from "./checked-client.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const adminLogin = "admin:correct horse";
const basic = `Basic ${btoa(adminLogin)}`;

interface Api extends Pick<ApiServer, "as"> {
  readonly fleet: Fleet;
  readonly admin: Client;
  readonly ann: Client;
  /** Sends what no client of ours would: forms that the contract does not have, headers and bytes as they are. */
  readonly send: (method: "GET" | "POST", path: string, body?: object | string, headers?: object) => Promise<Answer>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly cookie: string;
  readonly body: { readonly detail?: string };
}

async function startApi(scope: Scope, options: Parameters<typeof startFleet>[2] = {}): Promise<Api> {
  const fleet = await startFleet(scope, "embedded", options);
  fleet.state.accounts.set("admin", "admin", "correct horse");
  fleet.state.accounts.set("eve", "viewer", "battery staple");
  const { url, as } = await serveApi(scope, fleet);
  const send: Api["send"] = async (method, path, body, more = { authorization: basic }) => {
    const headers = { ...(body === undefined ? {} : { "content-type": "application/json" }), ...more };
    const text = typeof body === "object" ? JSON.stringify(body) : body;
    const answer = await fetch(url + path, { method, headers, ...(text === undefined ? {} : { body: text }) });
    return {
      status: answer.status,
      type: answer.headers.get("content-type") ?? "",
      cookie: answer.headers.get("set-cookie") ?? "",
      body: (await answer.json()) as Answer["body"],
    };
  };
  return { fleet, as, send, admin: as(adminLogin), ann: as(`ann:${fleet.secretOf("ann")}`) };
}

const problem = ({ status, type, body }: Answer, expected: number, detail: RegExp): void => {
  assert.is(status, expected, JSON.stringify(body));
  assert.match(type, "application/problem+json");
  assert.match(body.detail ?? "", detail);
};

suite("HTTP API", ({ test }) => {
  test("devices: the list, one with its newest values, an unknown one", async (scope) => {
    const { fleet, admin } = await startApi(scope);
    await fleet.agent();
    await eventually("values", () => fleet.console.registry.latest("rpi-7").length > 0);
    const { devices } = await admin.listDevices();
    assert.equal(
      devices.map(({ id, online }) => ({ id, online })),
      [{ id: "rpi-7", online: true }],
    );
    const one = await admin.getDevice("rpi-7");
    assert.ok(one.latest.some(({ measurement }) => measurement === "mem"));
    assert.ok(Object.keys(one.commands ?? {}).includes("ping"));
    await assertRefused(admin.getDevice("rpi-9"), 404, /no device "rpi-9"/);
    await assertRefused(admin.getDevice("a+b"), 400, /device id/);
  });

  test("metrics: a range with a mean, raw values, and what is asked wrongly", async (scope) => {
    const { fleet, admin, send } = await startApi(scope);
    await fleet.agent("rpi-7", { interval: 100 });
    const history = (range: { from?: string; to?: string; every?: string }): ReturnType<Client["getHistory"]> =>
      admin.getHistory("rpi-7", { measurement: "mem", field: "used_percent", ...range });
    await eventually("raw values", async () => ((await history({ every: "0" })).series[0]?.points.length ?? 0) >= 5);
    const { every, from, to, series } = await history({ from: "-5m", every: "1s" });
    assert.is(every, 1_000);
    assert.is(to - from, 300_000);
    const isMean = ([ts, value]: readonly [number, SampleValue | null]): boolean =>
      ts % 1_000 === 0 && Number(value) > 0 && Number(value) < 100;
    assert.ok(series[0]?.points.every(isMean));
    await assertRefused(history({ from: "now", to: "-1h" }), 400, /from .* must be before to/);
    await assertRefused(history({ from: "yesterday" }), 400, /is not a moment/);
    const tooMany = /gives 2592000 points: ask for at least every=129600ms$/;
    await assertRefused(history({ from: "-30d", every: "1s" }), 400, tooMany);
    await assertRefused(history({ every: "1000" }), 400, /every is "1000": expected a unit/);
    await assertRefused(history({ from: "-900" }), 400, /from is "900": expected a unit/);
    problem(await send("GET", "/api/devices/rpi-7/metrics?measurement=mem"), 400, /field/);
  });

  test("commands: the full document when the final reply is in", async (scope) => {
    const { fleet, admin, send } = await startApi(scope);
    const agent = await fleet.agent();
    const done = await admin.sendCommand("rpi-7", { key: "ping" });
    assert.is(done.state, "succeeded");
    assert.equal(done.result, { pong: true, boot: agent.runId });
    assert.is(done.by, "admin");
    assert.match(done.explain, /succeeded on rpi-7/);
    assert.equal(await admin.getCommand(done.id), done);
    assert.equal((await admin.listCommands({ device: "rpi-7", state: "succeeded" })).commands, [done]);
    assert.equal((await admin.listCommands({ state: "failed" })).commands, []);
    problem(await send("POST", "/api/devices/rpi-7/commands", { key: "ping", ttll: "1h" }), 400, /"ttll"/);
    problem(await send("POST", "/api/jobs", { key: "ping", target: { all: true }, rat: 5 }), 400, /"rat"/);
    problem(await send("GET", "/api/commands?state=lost"), 400, /state.*expected one of "queued"/);
    const text = { "content-type": "text/plain", authorization: basic };
    const untyped = await send("POST", "/api/devices/rpi-7/commands", { key: "ping" }, text);
    problem(untyped, 415, /expected application\/json/);
  });

  test("commands: 504 with the document, 409 offline, 422 not offered, 404, 400, 202", async (scope) => {
    const { fleet, admin, send } = await startApi(scope);
    const agent = fleet.newAgent();
    agent.handle("never", { run: () => new Promise(() => {}) });
    agent.start();
    await fleet.sees("rpi-7", true);
    const order = (body: CommandOrder): ReturnType<Client["sendCommand"]> => admin.sendCommand("rpi-7", body);
    const late = await assertRefused(order({ key: "never", timeout: 100 }), 504, /no final reply from rpi-7/);
    assert.is(late.command?.state, "timed_out");
    await assertRefused(order({ key: "pong" }), 422, /does not offer "pong"; it offers/);
    await assertRefused(order({ key: "set-interval", args: { seconds: "soon" } }), 422, /seconds/);
    await assertRefused(order({ key: "ping", args: { n: 2 ** 53 } }), 400, /args.* send it as text/);
    problem(await send("POST", "/api/devices/rpi-7/commands", { args: {} }), 400, /key/);
    await assertRefused(order({ key: "ping", timeout: 5 }), 400, /milliseconds/);
    await assertRefused(order({ key: "ping", timeout: "5" }), 400, /timeout is "5": expected a unit/);
    await assertRefused(order({ key: "ping", ttl: "5" }), 400, /ttl is "5": expected a unit/);
    await assertRefused(admin.sendCommand("rpi-9", { key: "ping" }), 404, /no device/);
    await agent.stop();
    await fleet.sees("rpi-7", false);
    await assertRefused(order({ key: "ping" }), 409, /offline/);
    const queued = await admin.sendCommand("rpi-7", { key: "ping", ttl: "1h" }, { wait: false });
    assert.is(queued.state, "queued");
    assert.match(queued.explain, /waiting for rpi-7, offline/);
    assert.is((await admin.cancelCommand(queued.id)).state, "cancelled");
    await assertRefused(admin.cancelCommand("nothing"), 404, /no command/);
    const path = "/api/devices/rpi-7/commands?wait=false";
    assert.is((await send("POST", path, { key: "ping", ttl: "1h" })).status, 202);
  });

  test("commands: an id of one's own makes a repeated request harmless", async (scope) => {
    const { fleet, admin } = await startApi(scope);
    await fleet.agent();
    const order = (key: string): ReturnType<Client["sendCommand"]> => admin.sendCommand("rpi-7", { id: "mine-1", key });
    const first = await order("ping");
    assert.is(first.id, "mine-1");
    assert.equal(await order("ping"), first);
    assert.is(fleet.console.desk.list({}).length, 1);
    await assertRefused(order("report"), 409, /belongs to "ping" on rpi-7/);
  });

  test("what the router itself refuses is told like everything else", async (scope) => {
    const { send } = await startApi(scope);
    problem(await send("GET", `/api/devices/${"x".repeat(200)}`), 414, /longer than/);
    problem(await send("GET", "/api/devices/%c0"), 400, /UTF-8/);
  });

  test("a body that is deep, wide, cut short or empty is answered with a sentence", async (scope) => {
    const { send } = await startApi(scope);
    const nested = (levels: number): string =>
      `{"key":"ping","target":{"all":true},"args":{"a":${"[".repeat(levels)}${"]".repeat(levels)}}}`;
    const cases: readonly (readonly [string, RegExp])[] = [
      [nested(maxNesting - 1), /body's JSON is nested deeper than 16/],
      [nested(20_000), /body's JSON is nested deeper than 16/],
      [nested(maxNesting - 2), /no device|no devices/],
      ['{"key":"ping","target":{"all":true},"args":{"a":1e400}}', /finite/],
      ['{"key":"ping","target":{"all":true},"args":{"a":[9007199254740993]}}', /args.* send it as text/],
      ['{"key":', /not valid JSON/],
      ["", /body is empty/],
    ];
    for (const [body, detail] of cases) {
      const answer = await send("POST", "/api/jobs", body);
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
      assert.match(answer.body.detail ?? "", detail);
    }
  });

  test("the collector's shutdown is the shutdown command", async (scope) => {
    const { fleet, admin } = await startApi(scope);
    const agent = await fleet.agent();
    const { state, key } = await admin.shutDown("rpi-7");
    assert.is(state, "succeeded");
    assert.is(key, "shutdown");
    assert.is(await agent.finished, "shutdown");
  });

  test("logging in: basic, bearer, cookie; nothing without; roles", async (scope) => {
    const { fleet, as, send } = await startApi(scope);
    await fleet.agent();
    await assertRefused(as().listDevices(), 401, /curl -u/);
    await assertRefused(as("admin:wrong").listDevices(), 401, /^name or password is wrong$/);
    await assertRefused(as("nobody").listDevices(), 401, /token is not known or has ended/);
    const token = fleet.state.accounts.issueToken("admin", "token", 60_000);
    assert.is((await as(token).listDevices()).devices.length, 1);
    await assertRefused(as().logIn({ name: "admin", password: "wrong" }), 401, /wrong/);
    // The client has no cookies: a browser's are what it would send.
    const session = await send("POST", "/api/session", { name: "eve", password: "battery staple" }, {});
    assert.equal(session.body, { name: "eve", role: "viewer" });
    assert.match(session.cookie, /HttpOnly.*SameSite=Strict/);
    const eve = as(undefined, { cookie: session.cookie.split(";")[0] ?? "", "sec-fetch-site": "same-origin" });
    assert.is((await eve.listDevices()).devices.length, 1);
    await assertRefused(eve.sendCommand("rpi-7", { key: "ping" }), 403, /needs the role operator/);
    await eve.logOut();
    await assertRefused(eve.whoAmI(), 401, /session is not known or has ended: log in/);
    await assertRefused(as(`rpi-7:${fleet.secretOf("rpi-7")}`).listDevices(), 403, /is device/);
  });

  test("an administrator's word ends a doubt about the console's clock; nobody else's does", async (scope) => {
    let now = (): number => Date.now();
    const { admin, ann } = await startApi(scope, { clock: { ...systemClock, now: () => now() } });
    now = () => Date.now() + 8 * 86_400_000;
    assert.is((await admin.getHealth()).clock?.state, "ahead");
    await assertRefused(ann.trustClock(), 403, /needs the role admin/);
    assert.equal(await admin.trustClock(), { state: "trusted" });
    assert.equal((await admin.getHealth()).clock, { state: "trusted" });
    now = () => 5_000;
    await assertRefused(admin.trustClock(), 409, /before there was a Muster/);
  });

  test("accounts: an administrator lists and removes them; a device, the console and the last administrator stay", async (scope) => {
    const { fleet, admin, ann } = await startApi(scope);
    const { accounts } = await admin.listAccounts();
    assert.equal(
      accounts.map(({ name, role }) => `${name} ${role}`),
      ["admin admin", "ann operator", "eve viewer", "vic viewer"],
    );
    await assertRefused(ann.listAccounts(), 403, /needs the role admin/);
    await assertRefused(ann.removeAccount("vic"), 403, /needs the role admin/);
    await admin.removeAccount("vic");
    for (const [name, status, why] of [
      ["vic", 404, /no account of this name/],
      ["rpi-7", 409, /"rpi-7" is a device: DELETE \/api\/devices\/rpi-7/],
      ["console", 409, /the console's own account/],
      ["admin", 409, /the last administrator/],
    ] as const)
      await assertRefused(admin.removeAccount(name), status, why);
    fleet.state.accounts.setRights("ann", { role: "admin" });
    await admin.removeAccount("admin");
    await assertRefused(admin.listAccounts(), 401, /name or password is wrong/);
  });

  test("an administrator takes a device away; what it has sent can still be read", async (scope) => {
    const { fleet, admin, ann } = await startApi(scope);
    await fleet.agent("rpi-7", { interval: 100 });
    const points = async (): Promise<number> => {
      const { series } = await admin.getHistory("rpi-7", { measurement: "mem", field: "used_percent", every: "0" });
      return series[0]?.points.length ?? 0;
    };
    await eventually("values", async () => (await points()) > 0);
    await assertRefused(ann.removeDevice("rpi-7"), 403, /needs the role admin/);
    await admin.removeDevice("rpi-7");
    await assertRefused(admin.removeDevice("rpi-7"), 404, /no device "rpi-7"/);
    await assertRefused(admin.getDevice("rpi-7"), 404, /no device "rpi-7"/);
    assert.ok((await points()) > 0);
  });

  test("OpenAPI describes every route; health needs no login", async (scope) => {
    const { as, admin } = await startApi(scope);
    const { paths } = (await admin.getOpenApi()) as unknown as { paths: Record<string, object> };
    const told = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = Object.values(addresses).map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    assert.equal(told.sort(), routes.sort());
    assert.equal(await as().getHealth(), { ok: true });
    const { ok, store, broker } = await admin.getHealth();
    assert.equal({ ok, store, broker }, { ok: true, store: { ok: true }, broker: { connected: true } });
  });

  test("what is no request of ours gets a problem", async (scope) => {
    const { send } = await startApi(scope);
    assert.is((await send("POST", "/api/session", { name: "x".repeat(70_000) }, {})).status, 413);
    problem(await send("POST", "/api/session", "{", {}), 400, /not valid JSON/);
    problem(await send("GET", "/api/nothing"), 404, /nothing at GET \/api\/nothing/);
  });

  test("events stream presence, samples and commands", async (scope) => {
    const { fleet, admin } = await startApi(scope);
    const { hear } = await hearEvents(scope, admin);
    await fleet.agent();
    await fleet.console.send("rpi-7", { key: "ping" });
    await hear("presence", ({ event, data }) => event === "presence" && data.id === "rpi-7" && data.online);
    await hear("a sample", ({ event, data }) => event === "sample" && data.device === "rpi-7");
    await hear("the command's end", ({ event, data }) => event === "command" && data.state === "succeeded");
  });
});
