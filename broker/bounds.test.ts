import { once } from "node:events";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite, withDeadline, type Scope } from "../test/suite.ts";
import { login, mqttString, rawConnect, rawConnection, rawPacket, startBroker, untilClosed } from "../test/broker.ts";
import { defaultLimits } from "./limits.ts";
import { faultOf, maxFilters } from "./packet-check.ts";
import { maxPacketsATurn } from "./packet-reader.ts";

async function connackOf(scope: Scope, port: number, id: string, name: string): Promise<number | undefined> {
  const socket = await rawConnection(scope, port);
  socket.write(rawConnect(id, name));
  const [connack] = (await withDeadline(once(socket, "data"), 20, "CONNACK")) as [Buffer];
  return connack[3];
}

suite("the broker's bounds", ({ test }) => {
  test("half a packet is waited for so long and no longer, however its bytes dribble", async (scope) => {
    const clock = new ManualClock();
    const beat = 10_000;
    const { packetTimeout } = defaultLimits;
    const { broker, port, url } = await startBroker(scope, { clock, sysInterval: beat });
    const healthy = await login(scope, url, "olaf", { keepalive: 0 });
    const socket = await rawConnection(scope, port);
    socket.write(rawConnect("rpi-7", "rpi-7", { keepalive: 0 }));
    await withDeadline(once(socket, "data"), 20, "CONNACK");
    const packet = rawPacket(0x30, mqttString("muster/rpi-7/metrics"), Buffer.alloc(1_000));
    const ended = untilClosed(socket);
    const heard = (): Promise<unknown> => healthy.publishAsync("muster/rpi-7/cmd", "ping", { qos: 1 });
    for (let at = 0, waited = 0; waited < packetTimeout; at++, waited += beat) {
      socket.write(packet.subarray(at, at + 1));
      // What is behind it on the same loop has been read: so has the byte.
      await heard();
      await heard();
      assert.is(broker.stats().clients.connected, 2, `after ${waited} ms`);
      clock.advance(beat);
    }
    await heard();
    clock.advance(beat);
    await ended;
    assert.is(broker.stats().clients.connected, 1);
  });

  test("one user has so many connections; taking over one's own makes none more", async (scope) => {
    const { connectionsOfUser } = { connectionsOfUser: 3 };
    const { port } = await startBroker(scope, { limits: { connectionsOfUser } });
    for (let at = 0; at < connectionsOfUser; at++) assert.is(await connackOf(scope, port, `tool-${at}`, "vera"), 0);
    assert.is(await connackOf(scope, port, "tool-more", "vera"), 3);
    assert.is(await connackOf(scope, port, "tool-0", "vera"), 0);
    assert.is(await connackOf(scope, port, "other", "olaf"), 0);
    assert.ok(connectionsOfUser < defaultLimits.connectionsOfUser);
  });

  test("one packet subscribes so many filters and no more", () => {
    const subscriptions = Array.from({ length: maxFilters }, (_, at) => ({ topic: `a/${at}` }));
    const packet = { cmd: "subscribe", messageId: 1 };
    assert.is(faultOf({ ...packet, subscriptions }), undefined);
    assert.match(faultOf({ ...packet, subscriptions: [...subscriptions, { topic: "a" }] }) ?? "", /201 filters/);
    const unsubscriptions = subscriptions.map(({ topic }) => topic);
    assert.is(faultOf({ cmd: "unsubscribe", messageId: 1, unsubscriptions }), undefined);
    assert.ok(faultOf({ cmd: "unsubscribe", messageId: 1, unsubscriptions: [...unsubscriptions, "a"] }));
  });

  test("who does not read the answers is not read from, and closed in the end", async (scope) => {
    const { broker, port, url } = await startBroker(scope, { limits: { holdBack: 20, frozen: 1_000 } });
    const socket = await rawConnection(scope, port);
    socket.write(rawConnect("tool", "vera"));
    await withDeadline(once(socket, "data"), 20, "CONNACK");
    socket.write(rawPacket(0x82, [0, 1], mqttString("muster/#"), [0]));
    await withDeadline(once(socket, "data"), 20, "SUBACK");
    socket.pause();
    const closed = new Promise((resolve) => socket.on("close", resolve));
    // Until the system's buffers and the broker's are full.
    const device = await login(scope, url, "rpi-7");
    while (broker.stats().publish.dropped === 0)
      await device.publishAsync("muster/rpi-7/metrics", Buffer.alloc(200_000), { qos: 0 });
    const before = broker.stats().messages.received;
    const pings = Buffer.concat(Array.from({ length: 10_000 }, () => rawPacket(0xc0)));
    const write = (): void => {
      while (!socket.destroyed && socket.write(pings));
    };
    socket.on("drain", write);
    write();
    await withDeadline(closed, 15, "the end");
    const answered = broker.stats().messages.received - before;
    assert.ok(answered <= maxPacketsATurn, `${answered} pings were answered`);
  });
});
