import { once } from "node:events";
import type { Socket } from "node:net";
import * as assert from "uvu/assert";
import { suite, withDeadline } from "../test/suite.ts";
import { login, mqttString, rawConnect, rawConnection, rawPacket, startBroker, untilClosed } from "../test/broker.ts";
import { InFlight, maxInFlight } from "./in-flight.ts";
import { maxClientIdLength } from "./packet-check.ts";

const id = [0, 1];
const invalidUtf8 = Buffer.from([0x61, 0xff, 0x62]);
const surrogate = Buffer.from([0xed, 0xa0, 0x80]);

/** What ends a connection, sent by a console, who may publish and subscribe almost anything. */
const hostile: readonly (readonly [what: string, packet: Buffer])[] = [
  ["PUBLISH with NUL in the topic", rawPacket(0x30, mqttString("muster/a\0b"))],
  ["PUBLISH with a control character in the topic", rawPacket(0x30, mqttString("muster/a\u0001"))],
  ["PUBLISH with a line break in the topic", rawPacket(0x30, mqttString("muster/a\nb"))],
  ["PUBLISH with bytes that are not UTF-8", rawPacket(0x30, mqttString(invalidUtf8))],
  ["PUBLISH with a surrogate", rawPacket(0x30, mqttString(surrogate))],
  ["PUBLISH with a non-character", rawPacket(0x30, mqttString("muster/\uffff"))],
  ["PUBLISH with +", rawPacket(0x30, mqttString("muster/+/cmd"))],
  ["PUBLISH with #", rawPacket(0x30, mqttString("muster/#"))],
  ["PUBLISH with an empty topic", rawPacket(0x30, mqttString(""))],
  ["PUBLISH with a deep topic", rawPacket(0x30, mqttString("muster/".repeat(120)))],
  ["PUBLISH with packet id 0", rawPacket(0x32, mqttString("muster/a"), [0, 0])],
  ["SUBSCRIBE with packet id 0", rawPacket(0x82, [0, 0], mqttString("muster/#"), [0])],
  ["SUBSCRIBE without a filter", rawPacket(0x82, id)],
  ["SUBSCRIBE to a#", rawPacket(0x82, id, mqttString("muster/a#"), [0])],
  ["SUBSCRIBE to #/a", rawPacket(0x82, id, mqttString("#/a"), [0])],
  ["SUBSCRIBE to a+/b", rawPacket(0x82, id, mqttString("muster/a+/b"), [0])],
  ["SUBSCRIBE to +a", rawPacket(0x82, id, mqttString("+a"), [0])],
  ["SUBSCRIBE with NUL", rawPacket(0x82, id, mqttString("muster/\0"), [0])],
  ["UNSUBSCRIBE without a filter", rawPacket(0xa2, id)],
  ["UNSUBSCRIBE with packet id 0", rawPacket(0xa2, [0, 0], mqttString("muster/#"))],
  ["PUBACK with packet id 0", rawPacket(0x40, [0, 0])],
  ["PUBACK of 3 bytes (§3.4.1)", rawPacket(0x40, id, [0])],
  ["PUBACK of 1 byte (§3.4.1)", rawPacket(0x40, [0])],
  ["PUBREC of 4 bytes (§3.5.1)", rawPacket(0x50, id, [0, 0])],
  ["PUBREL of 3 bytes (§3.6.1)", rawPacket(0x62, id, [0])],
  ["PUBCOMP of 3 bytes (§3.7.1)", rawPacket(0x70, id, [0])],
  ["PINGREQ with a body (§3.12.1)", rawPacket(0xc0, [0])],
  ["DISCONNECT with a body (§3.14.1)", rawPacket(0xe0, [0])],
  ["PUBLISH with DUP at QoS 0 [MQTT-3.3.1-2]", rawPacket(0x38, mqttString("muster/a"))],
  ["CONNACK", rawPacket(0x20, [0, 0])],
  ["SUBACK", rawPacket(0x90, id, [0])],
  ["a second CONNECT", rawConnect("hub", "hub")],
  ["a packet that is too large", Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f])],
];

/** What is no CONNECT to be let in, and is told by which code of CONNACK. */
const refusedConnects: readonly (readonly [what: string, code: number, packet: Buffer])[] = [
  ["level 2 [MQTT-3.1.2-2]", 1, rawConnect("hub", "hub", { level: 2 })],
  ["level 5 [MQTT-3.1.2-2]", 1, rawConnect("hub", "hub", { level: 5 })],
  ["level 6 [MQTT-3.1.2-2]", 1, rawConnect("hub", "hub", { level: 6 })],
  ["a client id with # [MQTT-3.1.3-9]", 2, rawConnect("a#", "olaf")],
  ["no client id at level 3 (MQTT 3.1, §3.1)", 2, rawConnect("", "olaf", { level: 3 })],
  ["a client id that is too long [MQTT-3.1.3-9]", 2, rawConnect("x".repeat(maxClientIdLength + 1), "olaf")],
  ["somebody else's client id [MQTT-3.1.3-9]", 2, rawConnect("rpi-8", "rpi-7")],
];

/** A CONNECT that is not even answered. */
const malformedConnects: readonly (readonly [what: string, packet: Buffer])[] = [
  ["a client id with NUL [MQTT-1.5.3-2]", rawConnect("a\0b", "olaf")],
  ["a client id with a surrogate [MQTT-1.5.3-1]", rawConnect(surrogate, "olaf")],
  ["a client id that is not UTF-8 [MQTT-1.5.3-1]", rawConnect(invalidUtf8, "olaf")],
  ["a client id with a control character (§1.5.3)", rawConnect("a\u001f", "olaf")],
];

type Ack = "PUBACK" | "PUBREC" | "PUBCOMP";
const ackHeader: Readonly<Record<Ack, number>> = { PUBACK: 0x40, PUBREC: 0x50, PUBCOMP: 0x70 };

/** How one message is acknowledged, at which QoS; and the statement that this breaks, where it ends the connection. */
const acknowledgements: readonly (readonly [qos: 1 | 2, acks: readonly Ack[], ends: string | undefined])[] = [
  [1, ["PUBACK"], undefined],
  [1, ["PUBACK", "PUBACK"], undefined],
  [1, ["PUBREC"], "[MQTT-4.3.2-2]"],
  [1, ["PUBCOMP"], "[MQTT-4.3.2-2]"],
  [2, ["PUBREC", "PUBCOMP"], undefined],
  [2, ["PUBREC", "PUBREC", "PUBCOMP"], undefined],
  [2, ["PUBREC", "PUBCOMP", "PUBCOMP"], undefined],
  [2, ["PUBACK"], "[MQTT-4.3.3-2]"],
  [2, ["PUBCOMP"], "[MQTT-4.3.3-2]"],
  [2, ["PUBREC", "PUBACK"], "[MQTT-4.3.3-2]"],
];

/** What is no CONNECT to be let in. */
const hostileConnects: readonly (readonly [what: string, packet: Buffer])[] = [
  ["a client id with #", rawConnect("a#", "olaf")],
  ["a client id with +", rawConnect("a+", "olaf")],
  ["a client id with /", rawConnect("a/b", "olaf")],
  ["a client id with NUL", rawConnect("a\0b", "olaf")],
  ["a client id that is not UTF-8", rawConnect(invalidUtf8, "olaf")],
  ["a very long client id", rawConnect("x".repeat(500), "olaf")],
  ["a will on a filter", rawConnect("hub", "hub", { flags: 6, will: [mqttString("muster/+/cmd"), mqttString("x")] })],
  ["a will with NUL", rawConnect("hub", "hub", { flags: 6, will: [mqttString("muster/\0"), mqttString("x")] })],
  ["a will of QoS 3", rawConnect("hub", "hub", { flags: 6 | 24, will: [mqttString("muster/a"), mqttString("x")] })],
  [
    "9 KiB before anybody is known",
    rawConnect("hub", "hub", { flags: 6, will: [mqttString("muster/a"), mqttString("x".repeat(9_000))] }),
  ],
  ["a user name with its flag 0 [MQTT-3.1.2-18]", rawConnect("hub", "hub", { without: 0xc0 })],
  ["a password with its flag 0 [MQTT-3.1.2-20]", rawConnect("hub", "hub", { without: 0x40 })],
  ["PUBLISH before CONNECT", rawPacket(0x30, mqttString("muster/a"))],
  ["something else entirely", Buffer.from("\x16\x03\x01 TLS, for instance")],
];

/** Reads a connection packet by packet: `next` gives the first one to come that begins with this byte. */
function reading(socket: Socket): (header: number) => Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
  return async (header) => {
    for (;;) {
      while (bytes.length < 2 || bytes.length < 2 + (bytes[1] ?? 0))
        await withDeadline(once(socket, "data"), 20, `0x${header.toString(16)}`);
      const packet = bytes.subarray(0, 2 + (bytes[1] ?? 0));
      bytes = bytes.subarray(packet.length);
      if (packet[0] === header) return packet;
    }
  };
}

suite("packet check", ({ test }) => {
  test("a broken or hostile packet ends its connection and nothing else", async (scope) => {
    const { broker, port } = await startBroker(scope);
    for (const [what, packet] of hostile) {
      const socket = await rawConnection(scope, port);
      socket.write(rawConnect("hub", "hub"));
      const [connack] = (await withDeadline(once(socket, "data"), 20, "CONNACK")) as [Buffer];
      assert.equal(connack, Buffer.from([0x20, 2, 0, 0]), what);
      socket.write(packet);
      assert.is((await untilClosed(socket)).length, 0, what);
    }
    assert.is(broker.stats().clients.connected, 0);
    assert.ok(broker.local().connected);
  });

  test("a broken or hostile CONNECT is not answered with a welcome", async (scope) => {
    const { port } = await startBroker(scope);
    for (const [what, packet] of hostileConnects) {
      const socket = await rawConnection(scope, port);
      socket.write(packet);
      const answer = await untilClosed(socket);
      assert.ok(answer.length === 0 || answer[3] !== 0, what);
    }
  });

  test("a CONNECT that is refused by its version or client id is told so, and nothing behind it is looked at", async (scope) => {
    const { port, broker } = await startBroker(scope);
    for (const [what, code, packet] of refusedConnects) {
      const socket = await rawConnection(scope, port);
      socket.write(Buffer.concat([packet, rawConnect("hub", "hub"), rawPacket(0xc0)]));
      assert.equal(await untilClosed(socket), Buffer.from([0x20, 2, 0, code]), what);
    }
    const longest = await rawConnection(scope, port);
    longest.write(rawConnect("x".repeat(maxClientIdLength), "olaf"));
    assert.equal((await withDeadline(once(longest, "data"), 20, "CONNACK"))[0], Buffer.from([0x20, 2, 0, 0]));
    assert.is(broker.stats().clients.connected, 1);
  });

  test("a CONNECT with characters that MQTT forbids in the client id is closed without a word", async (scope) => {
    const { port } = await startBroker(scope);
    for (const [what, packet] of malformedConnects) {
      const socket = await rawConnection(scope, port);
      socket.write(packet);
      assert.is((await untilClosed(socket)).length, 0, what);
    }
  });

  for (const clean of [true, false])
    test(`a message is acknowledged as its QoS wants, or the connection ends: in a ${clean ? "clean" : "kept"} session`, async (scope) => {
      const { port, url } = await startBroker(scope);
      const sender = await login(scope, url, "hub");
      for (const [at, [qos, acks, ends]] of acknowledgements.entries()) {
        const topic = mqttString("muster/a/status");
        const what = `${acks.join(", ")} at QoS ${qos}`;
        const socket = await rawConnection(scope, port);
        const next = reading(socket);
        socket.write(rawConnect(`hub-${at}`, "hub", { flags: clean ? 2 : 0 }));
        await next(0x20);
        socket.write(rawPacket(0x82, id, topic, [2]));
        await next(0x90);
        await sender.publishAsync("muster/a/status", "x", { qos });
        const published = await next(0x30 | (qos << 1));
        const messageId = [...published.subarray(2 + topic.length, 4 + topic.length)];
        if (clean) assert.equal(messageId, [0, 1], what);
        for (const ack of acks) socket.write(rawPacket(ackHeader[ack], messageId));
        if (ends !== undefined) await untilClosed(socket);
        else {
          socket.write(rawPacket(0xc0));
          await next(0xd0);
        }
        socket.destroy();
      }
    });

  test("a message that is not acknowledged is remembered, up to a bound, and no other gets its packet id", () => {
    const inFlight = new InFlight();
    const first = inFlight.nextPacketId(1);
    for (let n = 1; n < maxInFlight; n++) inFlight.nextPacketId(2);
    assert.match(inFlight.fault("pubrec", first) ?? "", /a pubrec of a message that a puback has to acknowledge/);
    const ids = new Set(Array.from({ length: 65_535 - maxInFlight }, () => inFlight.nextPacketId(1)));
    assert.is(ids.size, 65_535 - maxInFlight);
    assert.is(inFlight.fault("pubrec", first), undefined, "the oldest are forgotten");
    const newest = inFlight.nextPacketId(1);
    for (let n = 1; n < 65_535; n++) {
      const id = inFlight.nextPacketId(2);
      assert.ok(id > 0 && id <= 65_535);
      assert.is(inFlight.fault("pubrec", id), undefined);
      assert.is(inFlight.fault("pubcomp", id), undefined);
      assert.is.not(id, newest);
    }
  });

  test("a packet's size is judged by its header: what is too large is never gathered", async (scope) => {
    const { port } = await startBroker(scope);
    const socket = await rawConnection(scope, port);
    socket.write(rawConnect("hub", "hub"));
    await withDeadline(once(socket, "data"), 20, "CONNACK");
    const largest = rawPacket(0x32, mqttString("muster/a/metrics"), id, Buffer.alloc(256 * 1024));
    socket.write(largest);
    const [puback] = (await withDeadline(once(socket, "data"), 20, "PUBACK")) as [Buffer];
    assert.is(puback[0], 0x40);
    socket.write(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x30]));
    await untilClosed(socket);
  });
});
