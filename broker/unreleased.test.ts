import { once } from "node:events";
import * as assert from "uvu/assert";
import { suite, withDeadline, type Scope } from "../test/suite.ts";
import { login, mqttString, rawConnect, rawConnection, rawPacket, startBroker, untilClosed } from "../test/broker.ts";
import { UnreleasedMessages } from "./unreleased.ts";
import { defaultLimits } from "./limits.ts";
import type { StoredPacket } from "./packets.ts";

const limits = { unreleased: 3, unreleasedBytes: 2_000, unreleasedTotal: 5_000, sessionExpiry: 1_000 };

const packet = (messageId: number, size = 1): StoredPacket => ({
  cmd: "publish",
  topic: "a",
  payload: Buffer.alloc(size),
  qos: 2,
  retain: false,
  messageId,
});

suite("messages at QoS 2 without PUBREL", ({ test }) => {
  test("of one client so many are kept, and so many bytes", () => {
    const incoming = new UnreleasedMessages(limits);
    for (let id = 1; id <= limits.unreleased; id++) assert.is(incoming.store("one", packet(id)), undefined);
    assert.match(incoming.store("one", packet(9)) ?? "", /3 messages at QoS 2/);
    assert.is(incoming.store("two", packet(1, 1_000)), undefined);
    assert.match(incoming.store("two", packet(2, 1_000)) ?? "", /bytes of messages at QoS 2/);
    incoming.delete("one", 1);
    assert.is(incoming.store("one", packet(9)), undefined);
  });

  test("of all clients so many bytes: who is longest away makes room, who is here does not", () => {
    const incoming = new UnreleasedMessages(limits);
    const here = new Set(["here"]);
    for (const id of ["first", "second", "here"]) assert.is(incoming.store(id, packet(1, 1_300)), undefined);
    here.add("second");
    incoming.expire(0, (id) => here.has(id));
    assert.is(incoming.store("new", packet(1, 1_300)), undefined);
    assert.is(incoming.get("first", 1), undefined);
    assert.ok(incoming.get("second", 1) && incoming.get("here", 1));
    assert.match(incoming.store("newer", packet(1, 1_300)) ?? "", /of all clients/);
    assert.ok(incoming.bytes <= limits.unreleasedTotal);
  });

  test("what is left goes with the age of a session, and at once when it is cleared", () => {
    const incoming = new UnreleasedMessages(limits);
    incoming.store("one", packet(1));
    incoming.store("two", packet(1));
    incoming.clear("two");
    const gone = (): boolean => false;
    incoming.expire(0, gone);
    incoming.expire(limits.sessionExpiry - 1, gone);
    assert.ok(incoming.get("one", 1));
    incoming.expire(limits.sessionExpiry, gone);
    assert.is(incoming.get("one", 1), undefined);
    assert.is(incoming.bytes, 0);
  });

  test("over a socket: who sends and never releases is closed, and a clean end frees all of it", async (scope) => {
    const { broker, port, url } = await startBroker(scope);
    for (const size of [1, 250_000]) {
      const socket = await connect(scope, port);
      const ended = untilClosed(socket);
      for (let id = 1; id <= defaultLimits.unreleased + 1 && !socket.destroyed; id++)
        socket.write(rawPacket(0x34, mqttString("muster/rpi-7/metrics"), [id >> 8, id & 255], Buffer.alloc(size)));
      await ended;
    }
    assert.is(broker.stats().refused.clients, 2);
    const device = await login(scope, url, "rpi-7");
    await device.publishAsync("muster/rpi-7/metrics", Buffer.alloc(200_000), { qos: 2 });
  });
});

async function connect(scope: Scope, port: number) {
  const socket = await rawConnection(scope, port);
  socket.write(rawConnect("rpi-7", "rpi-7"));
  await withDeadline(once(socket, "data"), 20, "CONNACK");
  return socket;
}
