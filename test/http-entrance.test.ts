import { once } from "node:events";
import { connect, type AddressInfo, type Socket } from "node:net";
import * as assert from "uvu/assert";
import { HttpConnections, httpBounds } from "../console/http/http-connections.ts";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { SafetyNet } from "#shared/safety-net";
import { serveApi, type ApiServer } from "./api-server.ts";
import { rawConnection, untilClosed } from "./broker.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { eventually, suite, withDeadline, type Scope } from "./suite.ts";

const upgrade =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const get = (target: string, headers = "Connection: close\r\n"): string =>
  `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;

// Connections and bytes are the point here; where only an answer is looked at, the client asks.

/** What strangers may say on the HTTP port, and the status they are answered; undefined where the connection just ends. */
const words: readonly (readonly [what: string, words: string, status: number | undefined])[] = [
  ["a path of two slashes", get("//"), 404],
  ["an upgrade on two slashes", get("//", upgrade + "Connection: close\r\n"), 404],
  ["an upgrade", get("/mqtt", upgrade + "Connection: close\r\n"), 404],
  ["an upgrade and bytes behind it", `${get("/mqtt", upgrade)}\xff\xff\xff`, 404],
  ["half an upgrade", get("/mqtt", upgrade).slice(0, -4), 408],
  ["a path that is no URL", get("//["), 404],
  ["the absolute form", get("http://localhost/healthz"), 200],
  ["the absolute form of nothing", get("http://["), 400],
  ["an escape that is none", get("/%E0%A4%A"), 400],
  ["an escape that is none, in a device", get("/api/devices/%zz"), 400],
  ["an escape that is none, in a query", get("/healthz?a=%zz&%=&__proto__=1"), 200],
  ["a path of dots", get("/../../../../etc/passwd"), 404],
  ["escaped dots", get("/%2e%2e/%2e%2e/etc/passwd"), 404],
  ["a path of 10,000 characters", get(`/${"a".repeat(10_000)}`), 404],
  ["CONNECT", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", undefined],
  ["OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404],
  ["TRACE", "TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404],
  ["a method that nobody knows", "GAT / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
  ["a Host that is none", "GET /healthz HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n", 421],
  ["a cookie of junk", get("/api/devices", `Cookie: ${"%;=".repeat(500)}\r\nConnection: close\r\n`), 401],
  ["credentials of junk", get("/api/devices", "Authorization: Basic \xff\xfe=\r\nConnection: close\r\n"), 401],
  ["a scheme alone", get("/api/devices", "Authorization: Basic\r\nConnection: close\r\n"), 401],
  ["headers without end", `GET / HTTP/1.1\r\nX: ${"x".repeat(httpBounds.headerBytes + 10_000)}`, 431],
  ["two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400],
  [
    "a length and chunks",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
  ],
  ["chunks that are none", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400],
  ["junk behind a request", `${get("/healthz", "")}\x00\x01junk\r\n\r\n`, 400],
  ["TLS", "\x16\x03\x01\x00\xa5\x01\x00\x00", 400],
  ["MQTT", "\x10\x1a\x00\x04MQTT\x04\x02\x00<\x00\x0eabcdefghijklmn", 400],
  ["nothing", "", 408],
  ["one byte", "G", 408],
  ["headers that dribble", "GET / HTTP/1.1\r\nHost: localhost\r\nX-", 408],
  [
    "a body that never comes",
    "POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{",
    408,
  ],
];

const soon = { headers: 200, request: 300, idle: 200, check: 20, unread: 300 } as const;

async function serve(scope: Scope, bounds: Partial<typeof httpBounds> = {}): Promise<ApiServer & { fleet: Fleet }> {
  const fleet = await startFleet(scope, "embedded");
  fleet.state.accounts.set("vic", "viewer", "battery staple");
  return { fleet, ...(await serveApi(scope, fleet, { bounds })) };
}

const vic = "vic:battery staple";
const asVic = { authorization: `Basic ${btoa(vic)}` };

suite("HTTP: the entrance", ({ before, test }) => {
  let port: number;
  let fleet: Fleet;
  let as: ApiServer["as"];
  before(async (scope) => ({ fleet, port, as } = await serve(scope, soon)));

  for (const [what, said, status] of words) {
    test(`${what}: ${status ?? "no answer"}, and it goes on`, async (scope) => {
      const socket = await rawConnection(scope, port);
      socket.write(Buffer.from(said, "latin1"));
      const answer = (await untilClosed(socket)).toString("latin1");
      assert.is(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1], status === undefined ? undefined : String(status), answer);
      assert.equal(await as().getHealth(), { ok: true });
      assert.equal(fleet.console.faults.places, []);
    });
  }

  test("faults are told to those who are logged in", async () => {
    fleet.console.faults.caught("a test", new Error("made up"));
    assert.equal(await as().getHealth(), { ok: true });
    const { faults } = await as(vic).getHealth();
    assert.is(faults?.total, 1);
    assert.is(faults?.places[0]?.where, "a test");
    assert.match(await as(vic).getMetrics(), "muster_faults_total 1\n");
  });
});

suite("HTTP: connections", ({ test }) => {
  test("who says nothing makes room for who does, and an event stream lives on", async (scope) => {
    const { port } = await serve(scope, { ...soon, connections: 8 });
    const stop = new AbortController();
    scope.cleanup(() => stop.abort());
    const stream = await fetch(`http://127.0.0.1:${port}/api/events`, { headers: asVic, signal: stop.signal });
    const silent: Socket[] = [];
    for (let at = 0; at < 20; at++) silent.push(await rawConnection(scope, port));
    // Two of one network that have not logged in are a quarter of eight: the others are turned away at once.
    await eventually("the end of those beyond", () => silent.filter(({ closed }) => closed).length >= 18);
    await eventually("room again", async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).status === 200);
    await Promise.all(silent.map((socket) => untilClosed(socket)));
    const reader = stream.body?.getReader();
    assert.match(Buffer.from((await reader?.read())?.value ?? []).toString(), "retry:");
  });

  test("one connection has so many requests", async (scope) => {
    const requests = 3;
    const { port } = await serve(scope, { ...soon, requests });
    const socket = await rawConnection(scope, port);
    socket.write(get("/healthz", "").repeat(requests + 1));
    const answer = (await untilClosed(socket)).toString();
    assert.is(answer.match(/HTTP\/1\.1 200/g)?.length, requests);
    assert.ok(requests < httpBounds.requests);
  });

  test("connections in total have a bound, and who is in goes on", async (scope) => {
    const { port } = await serve(scope, { connections: 4, strangersOfOne: 4 });
    const stop = new AbortController();
    scope.cleanup(() => stop.abort());
    const open = (): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}/api/events`, { headers: asVic, signal: stop.signal });
    const streams = [await open(), await open(), await open(), await open()];
    assert.equal(
      streams.map(({ status }) => status),
      [200, 200, 200, 200],
    );
    const beyond = await rawConnection(scope, port);
    beyond.write(get("/healthz"));
    assert.is((await untilClosed(beyond)).length, 0);
  });

  test("of requests that are sent ahead so many are worked at, and each hears of the connection's end", async (scope) => {
    const { ahead } = httpBounds;
    const heard: string[] = [];
    let asked = 0;
    let all: () => void = () => {};
    const server = new HttpConnections({
      bounds: httpBounds,
      net: new SafetyNet(silentLog, systemClock),
      log: silentLog,
      clock: systemClock,
      isProxy: () => false,
    }).server(({ url = "" }, answer) => {
      answer.once("close", () => heard.push(url));
      asked += 1;
      if (asked === ahead) all();
    });
    scope.cleanup(() => new Promise((resolve) => server.close(resolve)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const paths = Array.from({ length: ahead }, (_, at) => `/${at}`);
    for (const beyond of [[], ["/beyond"]]) {
      [asked, heard.length] = [0, 0];
      const worked = new Promise<void>((resolve) => (all = resolve));
      const socket = await rawConnection(scope, port);
      socket.write([...paths, ...beyond].map((path) => get(path, "")).join(""));
      await worked;
      if (beyond.length === 0) socket.destroy();
      else await untilClosed(socket);
      await eventually("all ends", () => heard.length === paths.length + beyond.length);
      assert.equal([...heard].sort(), [...paths, ...beyond].sort());
    }
  });

  test("an answer that nobody reads is waited for so long, and one that is not there yet for longer", async (scope) => {
    const net = new SafetyNet(silentLog, systemClock);
    const bounds = { ...httpBounds, ...soon };
    const server = new HttpConnections({
      bounds,
      net,
      log: silentLog,
      clock: systemClock,
      isProxy: () => false,
    }).server((request, answer) => {
      if (request.url === "/large") answer.end(Buffer.alloc(32 * 1024 * 1024));
      else setTimeout(() => answer.end("late"), bounds.unread * 3);
    });
    scope.cleanup(() => new Promise((resolve) => server.close(resolve)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, "127.0.0.1");
    scope.cleanup(() => socket.destroy());
    socket.on("error", () => {});
    const closed = new Promise((resolve) => server.once("connection", (taken) => taken.once("close", resolve)));
    socket.write(get("/large"));
    await withDeadline(closed, 10, "the end");
    assert.is(await (await fetch(`http://127.0.0.1:${port}/late`)).text(), "late");
  });
});
