import { once } from "node:events";
import * as assert from "uvu/assert";
import { suite, withDeadline } from "../test/suite.ts";
import { login, mqttString, rawConnect, rawConnection, rawPacket, startBroker } from "../test/broker.ts";

const kilobyte = Buffer.alloc(1_024, 0x61);

suite("send buffer", ({ test }) => {
  test("a subscriber that does not read stalls nobody, and is closed", async (scope) => {
    const { broker, port, url } = await startBroker(scope, { limits: { frozen: 1_500, holdBack: 100 } });
    const frozen = await rawConnection(scope, port);
    frozen.write(rawConnect("frozen", "vera"));
    await withDeadline(once(frozen, "data"), 20, "CONNACK");
    frozen.write(rawPacket(0x82, [0, 1], mqttString("muster/+/metrics"), [0]));
    await withDeadline(once(frozen, "data"), 20, "SUBACK");
    frozen.pause();

    const reader = await login(scope, url, "anna");
    let [got, last, worst] = [0, performance.now(), 0];
    reader.on("message", () => {
      const now = performance.now();
      worst = Math.max(worst, now - last);
      [got, last] = [got + 1, now];
    });
    await reader.subscribeAsync("muster/rpi-7/metrics", { qos: 0 });
    const device = await login(scope, url, "rpi-7");
    last = performance.now();
    let sent = 0;
    // Until the frozen one is closed: first the kernel's buffers fill, then ours.
    while (broker.stats().clients.connected > 2) {
      for (let at = 0; at < 100; at++) device.publish("muster/rpi-7/metrics", kilobyte, { qos: 0 });
      await device.publishAsync("muster/rpi-7/reply/1", "next", { qos: 1 });
      sent += 100;
    }
    await withDeadline(
      new Promise<void>((resolve) => {
        if (got >= sent) resolve();
        reader.on("message", () => got >= sent && resolve());
      }),
      10,
      "the other subscriber's messages",
    );
    assert.is(got, sent, "the one that reads got everything");
    // Aedes alone lets all wait for a minute; what the rest is depends on the machine.
    assert.ok(worst < 10_000, `its longest wait was ${Math.round(worst)} ms`);
    assert.ok(broker.stats().publish.dropped > 0, "what the frozen one missed was counted");
  });

  test("a full subscriber is closed when a message comes that must arrive", async (scope) => {
    const { broker, port } = await startBroker(scope, { limits: { frozen: 3_600_000, holdBack: 10 } });
    const frozen = await rawConnection(scope, port);
    frozen.write(rawConnect("frozen", "vera"));
    await withDeadline(once(frozen, "data"), 20, "CONNACK");
    frozen.write(rawPacket(0x82, [0, 1], mqttString("muster/#"), [1]));
    await withDeadline(once(frozen, "data"), 20, "SUBACK");
    frozen.pause();
    const bus = broker.local();
    const big = Buffer.alloc(128 * 1_024);
    // The kernel takes some megabytes, then ours fill; the test's deadline ends a broker that goes on gathering.
    while (broker.stats().clients.connected > 0) {
      await bus.publish("muster/rpi-7/metrics", big, { qos: 1 });
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});
