import { spawn } from "node:child_process";
import { once } from "node:events";
import * as assert from "uvu/assert";
import { suite, withDeadline, type Scope } from "../test/suite.ts";
import { login, mqttString, rawConnect, rawPacket, startBroker } from "../test/broker.ts";

/** Milliseconds that nobody may hold the event loop. */
const maxHold = 50;

const frame = (opcode: number, payload: Buffer, fin = true): Buffer => {
  // Masked with zeros, which leave the payload as it is.
  const length = payload.length < 126 ? [0x80 | payload.length] : [0xfe, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode, ...length, 0, 0, 0, 0]), payload]);
};
const handshake = Buffer.from(
  [
    "GET /mqtt HTTP/1.1",
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: mqtt",
    "",
    "",
  ].join("\r\n"),
);
const publish = (topic: string, qos: 0 | 1 | 2, payload = "x"): Buffer =>
  rawPacket(0x30 | (qos << 1), mqttString(topic), qos > 0 ? [0, 7] : [], Buffer.from(payload));
const own = "muster/rpi-8/metrics/x";
const inFrame = (packet: Buffer): Buffer => frame(2, packet);

/** What somebody who is logged in says again and again; over a WebSocket where `web`. */
const floods: readonly { readonly what: string; readonly said: Buffer; readonly web?: boolean }[] = [
  { what: "pings", said: rawPacket(0xc0) },
  { what: "messages", said: publish(own, 0) },
  { what: "messages at QoS 1", said: publish(own, 1) },
  { what: "messages at QoS 2 under one id", said: publish(own, 2) },
  { what: "messages that are refused", said: publish("muster/rpi-7/cmd", 0) },
  { what: "messages of 30 levels", said: publish("a/".repeat(30), 0) },
  { what: "acknowledgements of nothing", said: rawPacket(0x40, [0, 9]) },
  { what: "releases of nothing", said: rawPacket(0x62, [0, 9]) },
  { what: "subscriptions", said: rawPacket(0x82, [0, 7], mqttString("muster/rpi-8/cmd/+"), [1]) },
  { what: "subscriptions that are denied", said: rawPacket(0x82, [0, 7], mqttString("#"), [1]) },
  { what: "ends of subscriptions", said: rawPacket(0xa2, [0, 7], mqttString("muster/rpi-8/cmd/+")) },
  { what: "pings in frames", said: inFrame(rawPacket(0xc0)), web: true },
  { what: "pings of WebSocket", said: frame(9, Buffer.alloc(100)), web: true },
  { what: "empty pings of WebSocket", said: frame(9, Buffer.alloc(0)), web: true },
  { what: "pongs that nobody asked for", said: frame(10, Buffer.alloc(0)), web: true },
  { what: "frames of nothing", said: inFrame(Buffer.alloc(0)), web: true },
  {
    what: "frames of a byte",
    said: Buffer.concat([inFrame(Buffer.from([0xc0])), inFrame(Buffer.from([0]))]),
    web: true,
  },
  { what: "text", said: frame(1, rawPacket(0xc0)), web: true },
  {
    what: "fragments without end",
    said: Buffer.concat([
      frame(2, Buffer.alloc(0), false),
      ...Array.from({ length: 5_000 }, () => frame(0, Buffer.alloc(1), false)),
    ]),
    web: true,
  },
];

/** In a process of its own, so that its work is not taken for the broker's. */
const sender = `
  const [port, ...bytes] = JSON.parse(process.argv[1]);
  const [said, ...first] = bytes.map((text) => Buffer.from(text, "base64"));
  const socket = require("node:net").connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  socket.on("error", () => {});
  const block = Buffer.concat(Array.from({ length: Math.ceil(65536 / said.length) }, () => said));
  const go = () => { while (socket.write(block)); };
  const next = () => {
    const words = first.shift();
    if (words) return socket.once("data", next).write(words);
    process.stdout.write("begun");
    socket.on("drain", go).resume();
    go();
  };
  next();
`;

suite("floods", ({ test }) => {
  for (const { what, said, web = false } of floods) {
    test(`${what}: nobody else is held up for ${maxHold} ms`, async (scope) => {
      const { url, port } = await startBroker(scope);
      const healthy = await login(scope, url, "olaf");
      const connect = rawConnect("rpi-8", "rpi-8");
      await flood(scope, port, web ? [handshake, inFrame(connect)] : [connect], said);
      // The first turns compile the code. Afterwards a collection of garbage may come into one: what the broker itself holds, it holds
      // each time.
      await maxTurnIn(50);
      const holds: number[] = [];
      while (holds.length < 4 && !((holds.at(-1) ?? Infinity) < maxHold)) holds.push(await maxTurnIn(150));
      assert.ok(Math.min(...holds) < maxHold, `held for ${holds.join(", ")} ms`);
      await withDeadline(healthy.publishAsync("muster/rpi-7/cmd", "ping", { qos: 1 }), 10, "the healthy one's message");
    });
  }
});

async function flood(scope: Scope, port: number, first: readonly Buffer[], said: Buffer): Promise<void> {
  const bytes = [said, ...first].map((one) => one.toString("base64"));
  const child = spawn(process.execPath, ["-e", sender, JSON.stringify([port, ...bytes])], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  scope.cleanup(() => child.kill("SIGKILL"));
  await withDeadline(once(child.stdout, "data"), 10, "the flood's beginning");
}

/** The most processor time, in milliseconds, that one turn of the event loop took: unlike its duration, whatever else the machine does. */
async function maxTurnIn(ms: number): Promise<number> {
  let [longest, last] = [0, process.cpuUsage()];
  for (const end = performance.now() + ms; performance.now() < end;) {
    await new Promise(setImmediate);
    const { user, system } = process.cpuUsage(last);
    last = process.cpuUsage();
    longest = Math.max(longest, (user + system) / 1_000);
  }
  return longest;
}
