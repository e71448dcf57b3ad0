import { once } from "node:events";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { SafetyNet } from "#shared/safety-net";
import { suite, withDeadline } from "../test/suite.ts";
import { linesOfOne } from "./digest.ts";
import { login, rawConnection, startBroker, untilClosed } from "../test/broker.ts";

const upgrade = (path: string, ...headers: string[]): string =>
  [
    `GET ${path} HTTP/1.1`,
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
    "",
    "",
  ].join("\r\n");
const mqtt = "Sec-WebSocket-Protocol: mqtt";

/** What strangers may say on the MQTT port, and the status they are answered; undefined where the connection just ends. */
const words: readonly (readonly [what: string, words: string | Buffer, status: number | undefined])[] = [
  ["a path of two slashes", upgrade("//", mqtt), 400],
  ["a path that is no URL", upgrade("//[", mqtt), 400],
  ["another such", upgrade("http://[", mqtt), 400],
  ["an escape that is none", upgrade("/%E0%A4%A", mqtt), 400],
  ["a path of a port alone", upgrade("//:99999", mqtt), 400],
  ["the absolute form", upgrade("http://localhost/mqtt", mqtt), 101],
  ["the absolute form with nothing behind it", upgrade("http://", mqtt), 400],
  ["a query", upgrade("/mqtt?x=%", mqtt), 101],
  ["no subprotocol", upgrade("/mqtt"), 400],
  ["an empty subprotocol", upgrade("/mqtt", "Sec-WebSocket-Protocol:"), 400],
  ["a subprotocol of commas", upgrade("/mqtt", "Sec-WebSocket-Protocol: ,,,mqtt,,"), 400],
  ["the subprotocol twice", upgrade("/mqtt", "Sec-WebSocket-Protocol: mqtt, mqtt"), 400],
  ["a subprotocol that is everybody's property", upgrade("/mqtt", "Sec-WebSocket-Protocol: __proto__, mqtt"), 101],
  ["a key that is none", upgrade("/mqtt", mqtt).replace("dGhlIHNhbXBsZSBub25jZQ==", "x"), 400],
  ["version 99", upgrade("/mqtt", mqtt).replace("Version: 13", "Version: 99"), 400],
  ["a method that nobody knows", upgrade("/mqtt", mqtt).replace("GET", "GAT"), 400],
  ["frames behind the upgrade that are none", `${upgrade("/mqtt", mqtt)}\xff\xff\xff\xff`, 101],
  ["two upgrades in a row", upgrade("/mqtt", mqtt) + upgrade("//", mqtt), 101],
  ["a foreign page", upgrade("/mqtt", mqtt, "Origin: https://evil.example"), 403],
  ["a page in a sandbox", upgrade("/mqtt", mqtt, "Origin: null"), 403],
  ["a page of ours on another port", upgrade("/mqtt", mqtt, "Origin: http://localhost:4030"), 101],
  ["a page under a name given to us", upgrade("/mqtt", mqtt, "Origin: https://muster.example"), 101],
  [
    "a name that was rebound",
    upgrade("/mqtt", mqtt, "Origin: http://evil.example").replace("localhost", "evil.example"),
    403,
  ],
  ["plain HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426],
  ["plain HTTP, held open", "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", 426],
  ["a body that never comes", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n", 426],
  ["requests on end", "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200), 426],
  ["junk after the first byte", "G\u0000\u0001\u0002 junk\r\n\r\n", 400],
  ["a header without end", `GET / HTTP/1.1\r\nX: ${"x".repeat(100_000)}`, 431],
  ["half an upgrade", upgrade("/mqtt", mqtt).slice(0, -4), undefined],
  ["the first byte alone", "G", undefined],
  ["CONNECT, the method", "CONNECT localhost:80 HTTP/1.1\r\n\r\n", undefined],
  ["POST", "POST /mqtt HTTP/1.1\r\nHost: x\r\n\r\n", undefined],
  ["TLS", Buffer.from("16030100a5010000a1", "hex"), undefined],
  ["zeros", Buffer.alloc(10_000), undefined],
  [
    "a CONNECT packet and no end",
    Buffer.concat([Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(10)]),
    undefined,
  ],
];

suite("the broker's entrance", ({ before, test }) => {
  let port: number;
  let net: SafetyNet;

  before(async (scope) => {
    net = new SafetyNet(silentLog, systemClock);
    ({ port } = await startBroker(scope, { net, names: ["muster.example"], limits: { connectTimeout: 150 } }));
  });

  for (const [what, said, status] of words) {
    test(`${what}: ${status ?? "no answer"}, and the broker goes on`, async (scope) => {
      const socket = await rawConnection(scope, port);
      socket.write(typeof said === "string" ? Buffer.from(said, "latin1") : said);
      const answer = (await untilClosed(socket)).toString("latin1");
      assert.is(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1], status === undefined ? undefined : String(status), answer);
      await login(scope, `mqtt://127.0.0.1:${port}`, "vera");
      assert.equal(net.places, []);
    });
  }

  test("a reset in the middle of each costs nothing but that connection", async (scope) => {
    for (const [, said] of words) {
      const socket = await rawConnection(scope, port);
      socket.write(typeof said === "string" ? Buffer.from(said, "latin1") : said);
      socket.resetAndDestroy();
    }
    await login(scope, `mqtt://127.0.0.1:${port}`, "vera");
    assert.equal(net.places, []);
  });

  test("thousands of broken connections write a few lines", async (scope) => {
    const lines: string[] = [];
    const line = (_: object, message: string): void => void lines.push(message);
    const { broker, port } = await startBroker(scope, { log: { debug() {}, info: line, warn: line, error: line } });
    const broken = Buffer.from("1000", "hex");
    for (let at = 0; at < 2_000; at += 100) {
      const sockets = await Promise.all(Array.from({ length: 100 }, () => rawConnection(scope, port)));
      await Promise.all(
        sockets.map((socket) => {
          socket.write(broken);
          return untilClosed(socket);
        }),
      );
    }
    await broker.stop();
    assert.is(lines.length, linesOfOne + 1);
    assert.match(lines.at(-1) ?? "", /^and \d+ more from 127\.0\.0\.1 in the last minute$/);
  });

  test("who is no browser sends no Origin, and is let in", async (scope) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, ["mqtt"]);
    scope.cleanup(() => socket.terminate());
    await withDeadline(once(socket, "open"), 20, "the WebSocket");
  });
});
