import type { FastifyInstance, InjectOptions } from "fastify";
import * as assert from "uvu/assert";
import { addresses } from "#api/addresses";
import { buildApp } from "../console/http/server.ts";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { maxNesting } from "#shared/nesting";
import { startFleet, type Fleet } from "./fleet.ts";
import { eventually, suite, type Scope } from "./suite.ts";

interface Api {
  readonly fleet: Fleet;
  readonly app: FastifyInstance;
  readonly ask: (
    method: "GET" | "POST" | "DELETE",
    url: string,
    body?: object,
    headers?: Record<string, string>,
  ) => Promise<Answer>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- documents are looked into freely here
  readonly body: any;
  readonly headers: Record<string, unknown>;
}

async function startApi(scope: Scope, options: Parameters<typeof startFleet>[2] = {}): Promise<Api> {
  const fleet = await startFleet(scope, "embedded", options);
  fleet.state.accounts.set("admin", "admin", "correct horse");
  fleet.state.accounts.set("eve", "viewer", "battery staple");
  const app = await buildApp({
    console: fleet.console,
    accounts: fleet.state.accounts,
    listen: "",
    port: 0,
    log: silentLog,
    clock: systemClock,
  });
  scope.cleanup(() => app.close());
  const admin = { authorization: `Basic ${Buffer.from("admin:correct horse").toString("base64")}` };
  const ask: Api["ask"] = async (method, url, body, headers = admin) => {
    const options: InjectOptions = { method, url, headers, ...(body ? { payload: body } : {}) };
    const { statusCode, headers: answered, payload } = await app.inject(options);
    const type = String(answered["content-type"] ?? "");
    return { status: statusCode, type, headers: answered, body: type.includes("json") ? JSON.parse(payload) : payload };
  };
  return { fleet, app, ask };
}

const problem = ({ status, type, body }: Answer, expected: number, detail: RegExp): void => {
  assert.is(status, expected, JSON.stringify(body));
  assert.match(type, "application/problem+json");
  assert.match(body.detail, detail);
};

suite("HTTP API", ({ test }) => {
  test("devices: the list, one with its newest values, an unknown one", async (scope) => {
    const { fleet, ask } = await startApi(scope);
    await fleet.agent();
    await eventually("values", () => fleet.console.registry.latest("rpi-7").length > 0);
    const list = await ask("GET", "/api/devices");
    assert.equal(
      list.body.devices.map(({ id, online }: { id: string; online: boolean }) => ({ id, online })),
      [{ id: "rpi-7", online: true }],
    );
    const one = await ask("GET", "/api/devices/rpi-7");
    assert.ok(one.body.latest.some(({ measurement }: { measurement: string }) => measurement === "mem"));
    assert.equal(Object.keys(one.body.commands).includes("ping"), true);
    problem(await ask("GET", "/api/devices/rpi-9"), 404, /no device "rpi-9"/);
    problem(await ask("GET", "/api/devices/a%2Bb"), 400, /device id/);
  });

  test("metrics: a range with a mean, raw values, and what is asked wrongly", async (scope) => {
    const { fleet, ask } = await startApi(scope);
    await fleet.agent("rpi-7", { interval: 100 });
    const path = "/api/devices/rpi-7/metrics?measurement=mem&field=used_percent";
    await eventually(
      "raw values",
      async () => (await ask("GET", `${path}&every=0`)).body.series[0]?.points.length >= 5,
    );
    const { body } = await ask("GET", `${path}&from=-5m&every=1s`);
    assert.is(body.every, 1_000);
    assert.ok(body.to - body.from === 300_000);
    assert.ok(
      body.series[0].points.every(([ts, value]: [number, number]) => ts % 1_000 === 0 && value > 0 && value < 100),
    );
    problem(await ask("GET", `${path}&from=now&to=-1h`), 400, /from .* must be before to/);
    problem(await ask("GET", `${path}&from=yesterday`), 400, /is not a moment/);
    problem(
      await ask("GET", `${path}&from=-30d&every=1s`),
      400,
      /gives 2592000 points: ask for at least every=129600ms$/,
    );
    problem(await ask("GET", `${path}&every=1000`), 400, /every is "1000": expected a unit/);
    problem(await ask("GET", `${path}&from=-900`), 400, /from is "900": expected a unit/);
    problem(await ask("GET", "/api/devices/rpi-7/metrics?measurement=mem"), 400, /field/);
  });

  test("commands: the full document when the final reply is in", async (scope) => {
    const { fleet, ask } = await startApi(scope);
    const agent = await fleet.agent();
    const { status, body } = await ask("POST", "/api/devices/rpi-7/commands", { key: "ping" });
    assert.is(status, 200);
    assert.is(body.state, "succeeded");
    assert.equal(body.result, { pong: true, boot: agent.boot });
    assert.is(body.by, "admin");
    assert.match(body.explain, /succeeded on rpi-7/);
    assert.equal((await ask("GET", `/api/commands/${body.id}`)).body, body);
    assert.equal((await ask("GET", "/api/commands?device=rpi-7&state=succeeded")).body.commands, [body]);
    assert.equal((await ask("GET", "/api/commands?state=failed")).body.commands, []);
    problem(await ask("POST", "/api/devices/rpi-7/commands", { key: "ping", ttll: "1h" }), 400, /"ttll"/);
    problem(await ask("POST", "/api/jobs", { key: "ping", target: { all: true }, rat: 5 }), 400, /"rat"/);
    problem(await ask("GET", "/api/commands?state=lost"), 400, /state.*expected one of "queued"/);
    const text = { "content-type": "text/plain", authorization: `Basic ${btoa("admin:correct horse")}` };
    problem(await ask("POST", "/api/devices/rpi-7/commands", { key: "ping" }, text), 415, /expected application\/json/);
  });

  test("commands: 504 with the document, 409 offline, 422 not offered, 404, 400, 202", async (scope) => {
    const { fleet, ask } = await startApi(scope);
    const agent = fleet.newAgent();
    agent.handle("never", { run: () => new Promise(() => {}) });
    agent.start();
    await fleet.sees("rpi-7", true);
    const send = (body: object, query = ""): Promise<Answer> =>
      ask("POST", `/api/devices/rpi-7/commands${query}`, body);
    const late = await send({ key: "never", timeout: 100 });
    problem(late, 504, /no final reply from rpi-7/);
    assert.is(late.body.command.state, "timed_out");
    problem(await send({ key: "pong" }), 422, /does not offer "pong"; it offers/);
    problem(await send({ key: "set-interval", args: { seconds: "soon" } }), 422, /seconds/);
    problem(await send({ key: "ping", args: { n: 2 ** 53 } }), 400, /args.* send it as text/);
    problem(await send({ args: {} }), 400, /key/);
    problem(await send({ key: "ping", timeout: 5 }), 400, /milliseconds/);
    problem(await send({ key: "ping", timeout: "5" }), 400, /timeout is "5": expected a unit/);
    problem(await send({ key: "ping", ttl: "5" }), 400, /ttl is "5": expected a unit/);
    problem(await ask("POST", "/api/devices/rpi-9/commands", { key: "ping" }), 404, /no device/);
    await agent.stop();
    await fleet.sees("rpi-7", false);
    problem(await send({ key: "ping" }), 409, /offline/);
    const queued = await send({ key: "ping", ttl: "1h" }, "?wait=false");
    assert.is(queued.status, 202);
    assert.is(queued.body.state, "queued");
    assert.match(queued.body.explain, /waiting for rpi-7, offline/);
    const gone = await ask("DELETE", `/api/commands/${queued.body.id}`);
    assert.is(gone.body.state, "cancelled");
    problem(await ask("DELETE", "/api/commands/nothing"), 404, /no command/);
  });

  test("commands: an id of one's own makes a repeated request harmless", async (scope) => {
    const { fleet, ask } = await startApi(scope);
    await fleet.agent();
    const send = (body: object): Promise<Answer> =>
      ask("POST", "/api/devices/rpi-7/commands", { id: "mine-1", ...body });
    const first = await send({ key: "ping" });
    const second = await send({ key: "ping" });
    assert.is(first.body.id, "mine-1");
    assert.equal(second.body, first.body);
    assert.is(fleet.console.desk.list({}).length, 1);
    problem(await send({ key: "report" }), 409, /belongs to "ping" on rpi-7/);
  });

  test("what the router itself refuses is told like everything else", async (scope) => {
    const { ask } = await startApi(scope);
    problem(await ask("GET", `/api/devices/${"x".repeat(200)}`), 414, /longer than/);
    problem(await ask("GET", "/api/devices/%c0"), 400, /UTF-8/);
  });

  test("a body that is deep, wide, cut short or empty is answered with a sentence", async (scope) => {
    const { app } = await startApi(scope);
    const headers = {
      authorization: `Basic ${Buffer.from("admin:correct horse").toString("base64")}`,
      "content-type": "application/json",
    };
    const post = async (payload: string): Promise<{ status: number; detail: string }> => {
      const { statusCode, body } = await app.inject({ method: "POST", url: "/api/jobs", headers, payload });
      return { status: statusCode, detail: (JSON.parse(body) as { detail: string }).detail };
    };
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
      const answer = await post(body);
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
      assert.match(answer.detail, detail);
    }
  });

  test("the collector's shutdown is the shutdown command", async (scope) => {
    const { fleet, ask } = await startApi(scope);
    const agent = await fleet.agent();
    const { body } = await ask("POST", "/api/collector/rpi-7/shutdown");
    assert.is(body.state, "succeeded");
    assert.is(body.key, "shutdown");
    assert.is(await agent.finished, "shutdown");
  });

  test("logging in: basic, bearer, cookie; nothing without; roles", async (scope) => {
    const { fleet, ask } = await startApi(scope);
    await fleet.agent();
    problem(await ask("GET", "/api/devices", undefined, {}), 401, /curl -u/);
    problem(
      await ask("GET", "/api/devices", undefined, {
        authorization: `Basic ${Buffer.from("admin:wrong").toString("base64")}`,
      }),
      401,
      /^name or password is wrong$/,
    );
    problem(
      await ask("GET", "/api/devices", undefined, { authorization: "Bearer nobody" }),
      401,
      /token is not known or has ended/,
    );
    const token = fleet.state.accounts.issueToken("admin", "token", 60_000);
    assert.is((await ask("GET", "/api/devices", undefined, { authorization: `Bearer ${token}` })).status, 200);
    problem(await ask("POST", "/api/session", { name: "admin", password: "wrong" }, {}), 401, /wrong/);
    const session = await ask("POST", "/api/session", { name: "eve", password: "battery staple" }, {});
    assert.equal(session.body, { name: "eve", role: "viewer" });
    const cookie = String(session.headers["set-cookie"]);
    assert.match(cookie, /HttpOnly.*SameSite=Strict/);
    const eve = { cookie: cookie.split(";")[0] ?? "", "sec-fetch-site": "same-origin" };
    assert.is((await ask("GET", "/api/devices", undefined, eve)).status, 200);
    problem(await ask("POST", "/api/devices/rpi-7/commands", { key: "ping" }, eve), 403, /needs the role operator/);
    assert.is((await ask("DELETE", "/api/session", undefined, eve)).status, 204);
    problem(await ask("GET", "/api/session", undefined, eve), 401, /session is not known or has ended: log in/);
    const device = fleet.login("rpi-7");
    const basic = `Basic ${Buffer.from(`rpi-7:${device[device.indexOf("-P") + 1]}`).toString("base64")}`;
    problem(await ask("GET", "/api/devices", undefined, { authorization: basic }), 403, /is device/);
  });

  test("an administrator's word ends a doubt about the console's clock; nobody else's does", async (scope) => {
    let now = (): number => Date.now();
    const { ask, fleet } = await startApi(scope, { clock: { ...systemClock, now: () => now() } });
    now = () => Date.now() + 8 * 86_400_000;
    assert.is((await ask("GET", "/healthz")).body.clock.state, "ahead");
    const ann = { authorization: `Bearer ${fleet.state.accounts.issueToken("ann", "token", 60_000)}` };
    problem(await ask("POST", "/api/clock/trusted", undefined, ann), 403, /needs the role admin/);
    assert.equal((await ask("POST", "/api/clock/trusted")).body, { state: "trusted" });
    assert.equal((await ask("GET", "/healthz")).body.clock, { state: "trusted" });
    now = () => 5_000;
    problem(await ask("POST", "/api/clock/trusted"), 409, /before there was a Muster/);
  });

  test("accounts: an administrator lists and removes them; a device, the console and the last administrator stay", async (scope) => {
    const { fleet, ask } = await startApi(scope);
    const { accounts } = await (await ask("GET", "/api/accounts")).body;
    assert.equal(accounts, [
      { name: "admin", role: "admin" },
      { name: "ann", role: "operator" },
      { name: "eve", role: "viewer" },
      { name: "vic", role: "viewer" },
    ]);
    const ann = { authorization: `Basic ${btoa(`ann:${fleet.secretOf("ann")}`)}` };
    problem(await ask("GET", "/api/accounts", undefined, ann), 403, /needs the role admin/);
    problem(await ask("DELETE", "/api/accounts/vic", undefined, ann), 403, /needs the role admin/);
    assert.is((await ask("DELETE", "/api/accounts/vic")).status, 204);
    problem(await ask("DELETE", "/api/accounts/vic"), 404, /no account of this name/);
    problem(await ask("DELETE", "/api/accounts/rpi-7"), 409, /"rpi-7" is a device: DELETE \/api\/devices\/rpi-7/);
    problem(await ask("DELETE", "/api/accounts/console"), 409, /the console's own account/);
    problem(await ask("DELETE", "/api/accounts/admin"), 409, /the last administrator/);
    fleet.state.accounts.setRole("ann", "admin");
    assert.is((await ask("DELETE", "/api/accounts/admin")).status, 204);
    problem(await ask("GET", "/api/accounts"), 401, /name or password is wrong/);
  });

  test("an administrator takes a device away; what it has sent can still be read", async (scope) => {
    const { fleet, ask } = await startApi(scope);
    await fleet.agent("rpi-7", { interval: 100 });
    const path = "/api/devices/rpi-7/metrics?measurement=mem&field=used_percent&every=0";
    await eventually("values", async () => (await ask("GET", path)).body.series[0]?.points.length > 0);
    const ann = { authorization: `Basic ${btoa(`ann:${fleet.secretOf("ann")}`)}` };
    problem(await ask("DELETE", "/api/devices/rpi-7", undefined, ann), 403, /needs the role admin/);
    assert.is((await ask("DELETE", "/api/devices/rpi-7")).status, 204);
    problem(await ask("DELETE", "/api/devices/rpi-7"), 404, /no device "rpi-7"/);
    problem(await ask("GET", "/api/devices/rpi-7"), 404, /no device "rpi-7"/);
    assert.ok((await ask("GET", path)).body.series[0].points.length > 0);
  });

  test("OpenAPI describes every route; health needs no login", async (scope) => {
    const { ask } = await startApi(scope);
    const { body } = await ask("GET", "/api/openapi.json");
    const told = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = Object.values(addresses).map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    assert.equal(told.sort(), routes.sort());
    const stranger = await ask("GET", "/healthz", undefined, {});
    assert.equal([stranger.status, stranger.body], [200, { ok: true }]);
    const health = await ask("GET", "/healthz");
    assert.is(health.status, 200);
    assert.equal(
      { ok: health.body.ok, store: health.body.store, broker: health.body.broker },
      { ok: true, store: { ok: true }, broker: { connected: true } },
    );
  });

  test("what is no request of ours gets a problem", async (scope) => {
    const { ask, app } = await startApi(scope);
    const huge = await app.inject({
      method: "POST",
      url: "/api/session",
      headers: { "content-type": "application/json" },
      payload: `{"name":"${"x".repeat(70_000)}"}`,
    });
    assert.is(huge.statusCode, 413);
    const broken = await app.inject({
      method: "POST",
      url: "/api/session",
      headers: { "content-type": "application/json" },
      payload: "{",
    });
    assert.is(broken.statusCode, 400);
    assert.match(broken.headers["content-type"] as string, "application/problem+json");
    problem(await ask("GET", "/api/nothing"), 404, /nothing at GET \/api\/nothing/);
  });

  test("events stream presence, samples and commands", async (scope) => {
    const { fleet, app } = await startApi(scope);
    await app.listen({ host: "127.0.0.1", port: 0 });
    const address = app.server.address() as { port: number };
    const stop = new AbortController();
    scope.cleanup(() => stop.abort());
    const authorization = `Basic ${Buffer.from("admin:correct horse").toString("base64")}`;
    const response = await fetch(`http://127.0.0.1:${address.port}/api/events`, {
      headers: { authorization },
      signal: stop.signal,
    });
    let text = "";
    const reading = (async () => {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk;
    })().catch(() => {});
    await eventually("the stream", () => text.includes("event: store"));
    await fleet.agent();
    await fleet.console.send("rpi-7", { key: "ping" });
    await eventually("presence", () => /event: presence\ndata: \{"id":"rpi-7","online":true/.test(text));
    await eventually("a sample", () => /event: sample\ndata: \{"device":"rpi-7","samples":\[/.test(text));
    await eventually("the command's end", () => /event: command\ndata: .*"state":"succeeded"/.test(text));
    stop.abort();
    await reading;
  });
});
