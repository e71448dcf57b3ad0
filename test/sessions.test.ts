import mqtt, { type MqttClient } from "mqtt";
import * as assert from "uvu/assert";
import type { Client } from "#api/client";
import { buildApp, requestsPerMinute } from "../console/http/server.ts";
import { streamsInAll, streamsOfAccount } from "../console/http/event-streams.ts";
import { openState } from "../console/state/state.ts";
import { AccountWatch } from "../console/accounts/account-watch.ts";
import { systemClock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { readStatus } from "#shared/messages/presence-messages";
import { TrustedProxies } from "#shared/trusted-proxies";
import { serveApi } from "./api-server.ts";
import { assertRefused, statusOf } from "./checked-client.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { eventually, suite, withDeadline, type Scope } from "./suite.ts";

async function start(scope: Scope) {
  const fleet = await startFleet(scope, "embedded");
  const { accounts } = fleet.state;
  fleet.state.accounts.set("admin", "admin", "correct horse");
  const proxies = new TrustedProxies(["127.0.0.1"]);
  const { url: http, as } = await serveApi(scope, fleet, { names: ["muster.example"], proxies });
  /** The client as a page has it: with the headers that a browser adds. */
  const page = (headers: Record<string, string> = {}): Client => as(undefined, { origin: http, ...headers });
  /** Logs in on the page. @returns the cookie, as a browser would send it back: what the client keeps to itself */
  const logIn = async (name: string, password: string, headers: Record<string, string> = {}): Promise<string> => {
    const response = await fetch(`${http}/api/session`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ name, password }),
    });
    assert.is(response.status, 200);
    return response.headers.get("set-cookie") ?? "";
  };
  /** An event stream that is open; `end` comes when the console closes it. */
  const stream = async (headers: Record<string, string>): Promise<{ status: number; end: Promise<void> }> => {
    const stop = new AbortController();
    scope.cleanup(() => stop.abort());
    const response = await fetch(`${http}/api/events`, { headers, signal: stop.signal });
    const read = async (): Promise<void> => {
      for await (const _ of response.body ?? []) continue;
    };
    return { status: response.status, end: read().catch(() => {}) };
  };
  return { fleet, accounts, http, as, page, logIn, stream };
}

/** A call over HTTP that waits for a device which never answers. */
async function waitingCall(fleet: Fleet, client: Client): Promise<{ readonly answered: Promise<number> }> {
  const device = "rpi-7" as DeviceId;
  const status = { v: 1, online: true, boot: "b", session: "s", ts: Date.now(), interval: 1_000, paused: false };
  const birth = readStatus(Buffer.from(JSON.stringify({ ...status, agent: "a 1" })));
  fleet.console.registry.presence(device, birth);
  const answered = statusOf(client.sendCommand(device, { key: "never", timeout: 60_000 }));
  await eventually("the call", () => fleet.console.desk.list({ device }).length > 0);
  return { answered };
}

const pair = (cookie: string): { cookie: string } => ({ cookie: cookie.split(";")[0] ?? "" });

async function connect(scope: Scope, url: string, username: string, password: string): Promise<MqttClient> {
  const client = mqtt.connect(url, { username, password, protocolVersion: 4, reconnectPeriod: 0 });
  scope.cleanup(() => client.endAsync(true));
  await withDeadline(happening(client, "connect"), 20, "a connection");
  return client;
}

function happening(client: MqttClient, what: "connect" | "close"): Promise<void> {
  return new Promise((resolve) => client.once(what, () => resolve()));
}

suite("sessions", ({ test }) => {
  test("logging out ends the session and its event stream, and no other", async (scope) => {
    const { fleet, page, logIn, stream } = await start(scope);
    const [one, two] = [await logIn("ann", fleet.secretOf("ann")), await logIn("ann", fleet.secretOf("ann"))].map(pair);
    const [first, second] = [await stream(one ?? {}), await stream(two ?? {})];
    const client = await connect(scope, fleet.url, "ann", fleet.secretOf("ann"));
    await page(one).logOut();
    await withDeadline(first.end, 10, "its stream's end");
    assert.is(await statusOf(page(one ?? {}).listDevices()), 401);
    assert.is(await statusOf(page(two ?? {}).listDevices()), 200);
    assert.is(await Promise.race([second.end, Promise.resolve("open")]), "open");
    assert.ok(client.connected);
  });

  for (const [what, change] of [
    ["a new password", (accounts) => accounts.set("ann", "operator", "another horse")],
    ["another role", (accounts) => accounts.set("ann", "viewer")],
    ["a removal", (accounts) => accounts.remove("ann")],
  ] as readonly (readonly [string, (accounts: ReturnType<typeof openState>["accounts"]) => unknown])[]) {
    for (const elsewhere of [false, true]) {
      test(`${what}${elsewhere ? " by another process" : ""} ends sessions, event streams and MQTT connections at once`, async (scope) => {
        const { fleet, accounts, page, logIn, stream } = await start(scope);
        const watch = new AccountWatch(fleet.state.directory, accounts, silentLog);
        watch.start();
        scope.cleanup(() => watch.stop());
        const secret = fleet.secretOf("ann");
        const session = pair(await logIn("ann", secret));
        const basic = { authorization: `Basic ${Buffer.from(`ann:${secret}`).toString("base64")}` };
        const streams = [await stream(session), await stream(basic)];
        const other = await stream({ authorization: `Bearer ${accounts.issueToken("vic", "token", 60_000)}` });
        const client = await connect(scope, fleet.url, "ann", secret);
        const closed = happening(client, "close");
        const { answered: call } = await waitingCall(fleet, page(session));
        const there = elsewhere ? openState(fleet.state.directory, systemClock) : fleet.state;
        if (elsewhere) scope.cleanup(() => there.close());
        change(there.accounts);
        const ends = Promise.all([closed, call, ...streams.map(({ end }) => end)]);
        await withDeadline(ends, 10, "the end of connection, call and streams");
        assert.is(await call, 401);
        for (const login of [session, basic]) assert.is(await statusOf(page(login).listDevices()), 401);
        assert.is(await Promise.race([other.end, Promise.resolve("open")]), "open");
      });
    }
  }

  test("one sees and ends one's own sessions, an admin everybody's", async (scope) => {
    const { fleet, as, page, logIn, stream } = await start(scope);
    const ann = pair(await logIn("ann", fleet.secretOf("ann"), { "user-agent": "Mozilla/5.0 \u00e9 (X)" }));
    const vic = pair(await logIn("vic", fleet.secretOf("vic"), { "x-forwarded-for": "10.1.1.1" }));
    const admin = pair(await logIn("admin", "correct horse"));
    const [own, ...others] = (await page(vic).listSessions()).sessions;
    assert.equal(others, []);
    assert.equal([own?.account, own?.kind, own?.address, own?.current], ["vic", "session", "10.1.1.1", true]);
    assert.is(JSON.stringify(own).includes(vic.cookie.split("=")[1] ?? ""), false);
    const all = (await page(admin).listSessions()).sessions;
    assert.equal(all.map(({ account, current }) => `${account} ${current}`).sort(), [
      "admin true",
      "ann false",
      "vic false",
    ]);
    const { id = "" } = all.find(({ account }) => account === "ann") ?? {};
    const open = await stream(ann);
    await assertRefused(page(vic).endSession(id), 404, /no such session of yours/);
    assert.is(await statusOf(page(ann).listDevices()), 200);
    await page(admin).endSession(id);
    await withDeadline(open.end, 10, "its stream's end");
    assert.is(await statusOf(page(ann).listDevices()), 401);
    assert.is(await statusOf(as(id).listDevices()), 401, "its id is no token");
  });

  test("under TLS the cookie is bound to the host, and passes for no bearer token", async (scope) => {
    const { fleet, page, logIn } = await start(scope);
    const plain = await logIn("ann", fleet.secretOf("ann"));
    assert.match(plain, /^muster_session=\S+; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Strict$/);
    const tls = {
      "x-forwarded-proto": "https",
      "x-forwarded-host": "muster.example",
      origin: "https://muster.example",
    };
    const secure = await logIn("ann", fleet.secretOf("ann"), tls);
    assert.match(secure, /^__Host-muster_session=\S+; .*Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    assert.is(await statusOf(page({ ...pair(secure), ...tls }).listDevices()), 200);
    assert.is(await statusOf(page(pair(secure)).listDevices()), 401, "not without TLS");
    assert.is(await statusOf(page({ ...pair(plain), ...tls }).listDevices()), 401, "nor the other one with it");
    const value = pair(plain).cookie.split("=")[1] ?? "";
    assert.is(await statusOf(page({ authorization: `Bearer ${value}` }).listDevices()), 401);
    const token = fleet.state.accounts.issueToken("ann", "token", 60_000);
    assert.is(await statusOf(page({ cookie: `muster_session=${token}` }).listDevices()), 401);
    assert.is(await statusOf(page({ authorization: `Bearer ${token}` }).listDevices()), 200);
  });

  test("names that are not Muster's are refused, with what to set", async (scope) => {
    const { fleet, http } = await start(scope);
    const { accounts } = fleet.state;
    const app = await buildApp({ console: fleet.console, accounts, listen: "", port: 0, log: silentLog });
    scope.cleanup(() => app.close());
    for (const [host, status] of [
      ["localhost:3000", 401],
      ["127.0.0.1", 401],
      ["[::1]:80", 401],
      ["192.168.1.5:3000", 401],
      ["rebound.example", 421],
      ["127.0.0.1.rebound.example", 421],
      ["localhost@rebound.example", 421],
    ] as const) {
      const { statusCode, payload } = await app.inject({ url: "/api/devices", headers: { host } });
      assert.is(statusCode, status, host);
      if (status === 421) assert.match(payload, /not called .*MUSTER_HOSTS/);
    }
    const trusted = await fetch(`${http}/api/devices`, { headers: { "x-forwarded-host": "muster.example" } });
    assert.is(trusted.status, 401);
    assert.is((await fetch(`${http}/api/devices`, { headers: { "x-forwarded-host": "rebound.example" } })).status, 421);
  });

  test("only programs are asked for a password", async (scope) => {
    const { http } = await start(scope);
    const challenge = async (headers: Record<string, string>): Promise<boolean> => {
      const response = await fetch(`${http}/api/devices`, { headers });
      assert.is(response.status, 401);
      return response.headers.has("www-authenticate");
    };
    assert.is(await challenge({}), true);
    assert.is(await challenge({ "sec-fetch-site": "same-origin" }), false);
    assert.is(await challenge({ accept: "text/html,*/*" }), false);
    assert.is(await challenge({ "user-agent": "Mozilla/5.0" }), false);
  });

  test("an account has so many event streams, and all together so many; what is closed makes room", async (scope) => {
    const { fleet, accounts, stream } = await start(scope);
    const login = (name: string) => ({ authorization: `Bearer ${accounts.issueToken(name, "token", 60_000)}` });
    const ann = login("ann");
    for (let count = 0; count < streamsOfAccount; count++) assert.is((await stream(ann)).status, 200);
    assert.is((await stream(ann)).status, 429);
    const others = Math.ceil(streamsInAll / streamsOfAccount) - 1;
    for (let other = 0; other < others; other++) {
      accounts.set(`v${other}`, "viewer");
      const viewer = login(`v${other}`);
      const opened = await Promise.all(Array.from({ length: streamsOfAccount }, () => stream(viewer)));
      assert.ok(opened.every(({ status }) => status === 200));
    }
    const vic = login("vic");
    assert.is((await stream(vic)).status, 429);
    accounts.remove("v0");
    assert.is((await stream(vic)).status, 200);
    assert.ok(fleet);
  });

  test("strangers who ask too much do not starve who is logged in behind the same address", async (scope) => {
    const { fleet } = await start(scope);
    const { accounts } = fleet.state;
    const app = await buildApp({ console: fleet.console, accounts, listen: "", port: 0, log: silentLog });
    scope.cleanup(() => app.close());
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await app.inject({ url: "/api/session", headers })).statusCode;
    for (let sent = 0; sent < requestsPerMinute; sent += 500) {
      const wrong = Array.from({ length: 500 }, (_, turn) => ask({ authorization: `Bearer wrong-${sent + turn}` }));
      assert.ok((await Promise.all(wrong)).every((status) => status === 401));
    }
    assert.is(await ask({ authorization: "Bearer wrong" }), 429);
    assert.is((await app.inject({ url: "/nothing" })).statusCode, 429);
    assert.is(await ask({ authorization: `Bearer ${accounts.issueToken("ann", "token", 60_000)}` }), 200);
  });
});
