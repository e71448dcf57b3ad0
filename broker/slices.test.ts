import { once } from "node:events";
import type { Socket } from "node:net";
import * as assert from "uvu/assert";
import { suite, withDeadline, type Scope } from "../test/suite.ts";
import {
  inbox,
  login,
  mqttString,
  rawConnect,
  rawConnection,
  rawPacket,
  startBroker,
  untilClosed,
} from "../test/broker.ts";
import { maxBytesATurn, maxPieces } from "./packet-reader.ts";
import { maxFragments, maxWebPieces, maxPongBytes } from "./web-door.ts";

const handshake = [
  "GET /mqtt HTTP/1.1",
  "Host: localhost",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol: mqtt",
  "",
  "",
].join("\r\n");

/** A frame masked with zeros, which leave the payload as it is. */
function frame(opcode: number, payload: Buffer, fin = true): Buffer {
  const length = payload.length < 126 ? [0x80 | payload.length] : [0xfe, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode, ...length, 0, 0, 0, 0]), payload]);
}

/** What the server's frames hold, which are short here. */
function unframed(chunks: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(chunks);
  const payloads: Buffer[] = [];
  for (let at = 0; at + 2 <= bytes.length; at += 2 + (bytes[at + 1] ?? 0))
    payloads.push(bytes.subarray(at + 2, at + 2 + (bytes[at + 1] ?? 0)));
  return Buffer.concat(payloads);
}

/** One message in so many frames. */
function fragments(payload: Buffer, count: number): Buffer {
  const parts = Array.from({ length: count }, (_, at) => payload.subarray(at, at === count - 1 ? undefined : at + 1));
  return Buffer.concat(parts.map((part, at) => frame(at === 0 ? 2 : 0, part, at === count - 1)));
}

async function webSocket(scope: Scope, port: number): Promise<Socket> {
  const socket = await rawConnection(scope, port);
  socket.write(handshake);
  await withDeadline(once(socket, "data"), 20, "the upgrade");
  return socket;
}

suite("a connection is read in slices", ({ test }) => {
  test("packets of every size around a slice come whole and in order", async (scope) => {
    const { url, port } = await startBroker(scope);
    const reader = await login(scope, url, "vera");
    const seen = inbox(reader);
    await reader.subscribeAsync("muster/rpi-7/metrics", { qos: 0 });
    const sizes = [0, 1, maxBytesATurn - 30, maxBytesATurn, maxBytesATurn + 1, 3 * maxBytesATurn, 200_000, 5, 5, 5];
    const packets = sizes.map((size) => rawPacket(0x30, mqttString("muster/rpi-7/metrics"), Buffer.alloc(size, 0x61)));
    const device = await rawConnection(scope, port);
    // The end comes in the same breath: nothing that was sent before may be lost.
    device.end(Buffer.concat([rawConnect("rpi-7", "rpi-7"), ...packets, packets[1] as Buffer, rawPacket(0xe0)]));
    await seen.upTo(() => seen.messages.length === sizes.length + 1);
    assert.equal(
      seen.messages.map(({ payload }) => payload.length),
      [...sizes, 1],
    );
  });

  test("a packet that comes byte by byte is put together", async (scope) => {
    const { url, port } = await startBroker(scope);
    const reader = await login(scope, url, "vera");
    const seen = inbox(reader);
    await reader.subscribeAsync("muster/rpi-7/metrics", { qos: 0 });
    const device = await rawConnection(scope, port);
    device.setNoDelay(true);
    const said = Array.from({ length: maxPieces * 5 }, (_, at) => at & 255);
    const words = Buffer.concat([
      rawConnect("rpi-7", "rpi-7"),
      rawPacket(0x30, mqttString("muster/rpi-7/metrics"), Buffer.from(said)),
    ]);
    for (const byte of words) {
      device.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    await seen.upTo(() => true);
    assert.equal(seen.messages[0]?.payload, Buffer.from(said));
  });

  test("what comes right behind CONNECT waits for the login, in whatever pieces it comes (MQTT 3.1.1 §3.1.4)", async (scope) => {
    const { port } = await startBroker(scope);
    const subscribe = rawPacket(0x82, [0, 7], mqttString("muster/rpi-7/ack"), [1]);
    const ping = rawPacket(0xc0);
    for (let turn = 0; turn < 5; turn++) {
      const socket = await webSocket(scope, port);
      const heard: Buffer[] = [];
      const all = new Promise<void>((resolve) =>
        socket.on("data", (chunk: Buffer) => {
          heard.push(chunk);
          if (unframed(heard).length >= 11) resolve();
        }),
      );
      // Each frame is a read of its own, and all come in one.
      const packets = [rawConnect(`rpi-7`, "rpi-7"), subscribe, ping];
      socket.write(Buffer.concat(packets.map((packet) => frame(2, packet))));
      await withDeadline(all, 20, "all three answers");
      // CONNACK first; an answer to the ping may come before the one to SUBSCRIBE.
      assert.match(unframed(heard).toString("hex"), /^20020000(9003000701d000|d0009003000701)$/);
      socket.destroy();
    }
  });

  test("a WebSocket message may come in so many frames and no more", async (scope) => {
    const { port } = await startBroker(scope);
    const connect = rawConnect("tool", "olaf");
    const within = await webSocket(scope, port);
    within.write(fragments(connect, maxFragments));
    const [connack] = (await withDeadline(once(within, "data"), 20, "CONNACK")) as [Buffer];
    assert.is(connack[2], 0x20);
    const beyond = await webSocket(scope, port);
    beyond.write(fragments(connect, maxFragments + 1));
    await untilClosed(beyond);
  });

  test("a frame may lie in so many pieces and no more", async (scope) => {
    const { port } = await startBroker(scope);
    const socket = await webSocket(scope, port);
    socket.setNoDelay(true);
    const ended = once(socket, "close");
    socket.write(frame(2, Buffer.alloc(60_000)).subarray(0, 8));
    let sent = 0;
    for (; sent < maxWebPieces * 3 && !socket.destroyed && socket.writable; sent++) {
      socket.write(Buffer.alloc(1));
      await new Promise(setImmediate);
    }
    // Two pieces may come in one read: what counts is that there is an end.
    assert.ok(sent >= maxWebPieces / 2, `ended after ${sent}`);
    socket.resume();
    await withDeadline(ended, 20, "the end");
  });

  test("who sends WebSocket pings and does not read the answers is closed", async (scope) => {
    const { port } = await startBroker(scope);
    const socket = await webSocket(scope, port);
    socket.write(frame(2, rawConnect("tool", "olaf")));
    await withDeadline(once(socket, "data"), 20, "CONNACK");
    socket.pause();
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(9, Buffer.alloc(125))));
    // More than the system's own buffers take, several times over.
    for (let sent = 0; sent < 64 * 1024 * 1024 && !socket.destroyed; sent += pings.length) {
      if (!socket.write(pings)) await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => {});
    }
    assert.ok(socket.destroyed, `more than ${maxPongBytes} bytes of answers wait for it`);
  });
});
