import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { check } from "#shared/messages/payload-schema";
import { refusal } from "#shared/messages/command-messages";
import type { Role } from "#shared/principal";
import { eventually, suite } from "../test/suite.ts";
import { inbox, login, startBroker } from "../test/broker.ts";

suite("authorizer", ({ test }) => {
  test("a message that is not allowed is dropped, counted and answered; its sender stays", async (scope) => {
    const { broker, url } = await startBroker(scope);
    const watcher = await login(scope, url, "vera");
    const seen = inbox(watcher);
    await watcher.subscribeAsync("muster/#", { qos: 1 });
    const device = await login(scope, url, "rpi-7");
    for (const qos of [0, 1, 2] as const) {
      await device.publishAsync("muster/rpi-8/status", "not mine", { qos, retain: true });
    }
    await device.publishAsync("elsewhere", "lost", { qos: 1 });
    await device.publishAsync("muster/rpi-7/status", "still here", { qos: 1 });
    await seen.upTo(({ payload }) => payload.toString() === "still here");
    // Its own topic, which it may read, wherever its message went.
    const answers = seen.messages.filter(({ topic }) => topic === "muster/rpi-7/refused");
    assert.is(answers.length, 4);
    assert.is(check(refusal, JSON.parse(answers[3]?.payload.toString() ?? ""), "refusal").topic, "elsewhere");
    const answer = check(refusal, JSON.parse(answers[0]?.payload.toString() ?? ""), "refusal");
    assert.is(answer.topic, "muster/rpi-8/status");
    assert.match(
      answer.why,
      /device "rpi-7" may not publish here: its samples belong on muster\/rpi-7\/metrics\/<measurement>/,
    );
    assert.is(seen.messages.length, 5, "nothing else came");
    assert.is(broker.stats().publish.refused, 4);
    const late = inbox(watcher);
    await watcher.subscribeAsync("muster/rpi-8/status", { qos: 1 });
    await watcher.unsubscribeAsync("muster/rpi-8/status");
    assert.is(late.messages.length, 0, "nothing was retained");
  });

  test("a flood of refused messages is told of a few times a minute", async (scope) => {
    const clock = new ManualClock();
    const { broker, url } = await startBroker(scope, { clock, limits: { refusals: 5 } });
    const told: string[] = [];
    broker.local().subscribe(["muster/+/refused"], ({ topic }) => void told.push(topic));
    const viewer = await login(scope, url, "vera");
    for (let at = 0; at < 100; at++) void viewer.publish("muster/rpi-7/cmd", "ping", { qos: 0 });
    await viewer.publishAsync("muster/rpi-7/cmd", "ping", { qos: 1 });
    await viewer.publishAsync("muster/rpi-7/cmd", "ping", { qos: 1 });
    assert.is(told.length, 5);
    clock.advance(60_000);
    await viewer.publishAsync("muster/rpi-7/cmd", "ping", { qos: 1 });
    await viewer.publishAsync("muster/rpi-7/cmd", "ping", { qos: 1 });
    assert.is(told.length >= 6, true);
    assert.is(broker.stats().publish.refused, 104);
  });

  test("a denied filter is neither granted nor stored with the allowed one beside it", async (scope) => {
    const { broker, url } = await startBroker(scope);
    const options = { clean: false, resubscribe: false };
    const device = await login(scope, url, "rpi-7", options);
    const granted = await device
      .subscribeAsync(["muster/rpi-7/ack", "muster/rpi-8/cmd/+"], { qos: 1 })
      .catch(() => undefined);
    assert.ok(granted === undefined || granted[1]?.qos === 128);
    await device.endAsync();
    await broker.local().publish("muster/rpi-8/cmd/1", Buffer.from("secret"));
    await broker.local().publish("muster/rpi-7/ack", Buffer.from("mine"));
    assert.is(broker.stats().stored, 1);
    const again = await login(scope, url, "rpi-7", { ...options, clean: false });
    const seen = inbox(again);
    await broker.local().publish("muster/rpi-8/cmd/2", Buffer.from("secret"));
    await broker.local().publish("muster/rpi-7/ack", Buffer.from("last"));
    await seen.upTo(({ payload }) => payload.toString() === "last");
    assert.equal(
      seen.messages.map(({ topic }) => topic).filter((topic) => topic !== "muster/rpi-7/ack"),
      [],
    );
  });

  test("what is queued for a session is judged by what its client may read now", async (scope) => {
    let role: Role = "operator";
    const authenticate = async (name: string) => ({ name, role });
    const { broker, url } = await startBroker(scope, { authenticate });
    const options = { clientId: "pi", clean: false, resubscribe: false };
    const before = await login(scope, url, "pi", options);
    await before.subscribeAsync("muster/#", { qos: 1 });
    await before.endAsync();
    await broker.local().publish("muster/rpi-7/reply/1", Buffer.from("not yours any more"));
    await broker.local().publish("muster/pi/ack", Buffer.from("yours"));
    role = "device";
    const topics: string[] = [];
    await login(scope, url, "pi", options, (after) => {
      after.on("message", (topic) => topics.push(topic));
    });
    await eventually("the queued message", () => topics.length > 0);
    assert.equal(topics, ["muster/pi/ack"]);
    assert.is(broker.stats().stored <= 1, true);
  });

  test("who subscribes everything gets what it may read", async (scope) => {
    const { broker, url } = await startBroker(scope);
    const viewer = await login(scope, url, "vera");
    const seen = inbox(viewer);
    await viewer.subscribeAsync("#", { qos: 1 });
    await broker.local().publish("elsewhere/x", Buffer.from("not for you"));
    await broker.local().publish("muster/rpi-7/status", Buffer.from("for you"));
    await seen.upTo(({ payload }) => payload.toString() === "for you");
    assert.is(seen.messages.length, 1);
  });

  test("of a device only the presence is retained", async (scope) => {
    const { broker, url } = await startBroker(scope, { sysInterval: 3_600_000 });
    const before = broker.stats().retained;
    const device = await login(scope, url, "rpi-7");
    for (let at = 0; at < 50; at++)
      await device.publishAsync(`muster/rpi-7/metrics/m${at}`, "1", { qos: 1, retain: true });
    await device.publishAsync("muster/rpi-7/status", "on", { qos: 1, retain: true });
    await device.publishAsync("muster/rpi-7/metrics", "x", { qos: 1 });
    assert.is(broker.stats().retained, before + 1);
  });

  test("a client has at most so many subscriptions", async (scope) => {
    const { url } = await startBroker(scope, { limits: { subscriptions: 3 } });
    const viewer = await login(scope, url, "vera");
    for (let at = 0; at < 3; at++) await viewer.subscribeAsync(`muster/d${at}/status`);
    const fourth = await viewer.subscribeAsync("muster/d3/status").catch(() => [{ qos: 128 }]);
    assert.is(fourth[0]?.qos, 128);
  });
});
