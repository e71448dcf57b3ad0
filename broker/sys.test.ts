import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../test/suite.ts";
import { inbox, login, startBroker } from "../test/broker.ts";

suite("$SYS", ({ test }) => {
  test("the statistics are retained under Mosquitto's names and renewed at the interval", async (scope) => {
    const clock = new ManualClock();
    const { broker, url } = await startBroker(scope, { clock, sysInterval: 10_000 });
    const viewer = await login(scope, url, "vera");
    const seen = inbox(viewer);
    await viewer.subscribeAsync("$SYS/broker/#");
    await seen.upTo(({ topic }) => topic === "$SYS/broker/subscriptions/count");
    const value = (topic: string): string | undefined =>
      seen.messages.findLast((one) => one.topic === `$SYS/broker/${topic}`)?.payload.toString();
    assert.is(value("version"), "muster (aedes 1.2.0)");
    assert.is(value("uptime"), "0 seconds");
    assert.is(value("clients/connected"), "0");
    assert.ok(seen.messages.every(({ retain }) => retain));
    await viewer.publishAsync("muster/rpi-7/cmd", "refused", { qos: 1 });
    await broker.local().publish("muster/rpi-7/status", Buffer.from("x"), { retain: true });
    clock.advance(10_000);
    await seen.upTo(({ topic, payload }) => topic === "$SYS/broker/uptime" && payload.toString() === "10 seconds");
    await seen.upTo(({ topic, retain }) => topic === "$SYS/broker/subscriptions/count" && !retain);
    assert.is(value("clients/connected"), "1");
    assert.is(value("publish/messages/received"), "1");
    assert.is(value("publish/messages/refused"), "1");
    assert.ok(Number(value("retained messages/count")) > 15);
    assert.ok(Number(value("messages/received")) >= 3);
  });

  test("it stops with the broker", async (scope) => {
    const clock = new ManualClock();
    const { broker } = await startBroker(scope, { clock });
    await broker.stop();
    clock.advance(60_000);
    assert.is(broker.local().connected, false);
  });
});
