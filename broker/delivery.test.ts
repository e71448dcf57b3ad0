import * as assert from "uvu/assert";
import { suite, withDeadline } from "../test/suite.ts";
import { inbox, login, startBroker } from "../test/broker.ts";

const count = 3_000;

suite("delivery", ({ test }) => {
  for (const clean of [true, false]) {
    test(`no message is taken for a duplicate when QoS and retain are mixed (clean session: ${clean})`, async (scope) => {
      const { broker, url } = await startBroker(scope);
      const local: string[] = [];
      broker.local().subscribe(["muster/+/reply/+"], ({ payload }) => void local.push(payload.toString()));
      const console = await login(scope, url, "hub", { clean });
      const seen = inbox(console);
      await console.subscribeAsync("muster/+/reply/+", { qos: 2 });
      const publishers = await Promise.all(["rpi-7", "rpi-8", "olaf"].map((name) => login(scope, url, name)));
      await console.subscribeAsync("muster/+/cmd/+", { qos: 2 });
      for (let at = 0; at < count; at++) {
        const publisher = publishers[at % 2];
        const topic = `muster/${at % 2 === 0 ? "rpi-7" : "rpi-8"}/reply/r${at}`;
        publisher?.publish(topic, String(at), { qos: ([0, 1, 2] as const)[at % 3] ?? 0, retain: at % 5 === 0 });
        if (at % 3 === 0) publishers[2]?.publish(`muster/rpi-7/cmd/c${at}`, `c${at}`, { qos: 1, retain: at % 2 === 0 });
      }
      const expected = Array.from({ length: count }, (_, at) => String(at));
      const commands = expected.filter((at) => Number(at) % 3 === 0).map((at) => `c${at}`);
      const got = new Set<string>();
      await withDeadline(
        new Promise<void>((resolve) => {
          const take = (payload: Buffer): void => {
            got.add(payload.toString());
            if (got.size === count + commands.length) resolve();
          };
          for (const { payload } of seen.messages) take(Buffer.from(payload));
          console.on("message", (_topic, payload) => take(payload));
        }),
        15,
        "all messages",
      );
      assert.is(new Set(local).size, count);
      assert.is(seen.messages.length, count + commands.length, "and none came twice");
    });
  }

  test("what a session waits for comes when its client does, each message once", async (scope) => {
    const { broker, url } = await startBroker(scope);
    const options = { clientId: "tool", clean: false, resubscribe: false };
    const first = await login(scope, url, "olaf", options);
    await first.subscribeAsync(["muster/+/reply/+", "muster/rpi-7/#"], { qos: 1 });
    await first.endAsync();
    for (let at = 0; at < 100; at++) await broker.local().publish(`muster/rpi-7/reply/${at}`, Buffer.from(String(at)));
    assert.is(broker.stats().stored, 100);
    const early: string[] = [];
    let all: Promise<void> = Promise.resolve();
    await login(scope, url, "olaf", options, (again) => {
      again.on("message", (_topic, payload) => early.push(payload.toString()));
      all = inbox(again).upTo(() => early.length === 101);
    });
    await broker.local().publish("muster/rpi-7/reply/last", Buffer.from("last"));
    await all;
    // Aedes sends the queue one by one, and what is live in between: only the queue's own order is kept.
    const queued = early.filter((word) => word !== "last");
    assert.equal(
      queued,
      Array.from({ length: 100 }, (_, at) => String(at)),
    );
  });
});
