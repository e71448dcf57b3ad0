import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import type { StoredPacket } from "./packets.ts";
import { defaultLimits } from "./limits.ts";
import { RetainedMessages } from "./retained.ts";
import { inbox, login, startBroker } from "../test/broker.ts";

const packet = (topic: string, payload = "x"): StoredPacket => ({
  cmd: "publish",
  topic,
  payload: Buffer.from(payload),
  qos: 1,
  retain: true,
});

suite("retained messages", ({ test }) => {
  test("a filter finds what it matches", () => {
    const retained = new RetainedMessages(100);
    for (const topic of ["a", "a/b", "a/b/c", "a//c", "b/b", "$SYS/x"]) retained.store(packet(topic));
    const table: [string, string[]][] = [
      ["#", ["a", "a//c", "a/b", "a/b/c", "b/b"]],
      ["a/#", ["a", "a//c", "a/b", "a/b/c"]],
      ["+/b", ["a/b", "b/b"]],
      ["a/+/c", ["a//c", "a/b/c"]],
      ["a/b", ["a/b"]],
      ["+", ["a"]],
      ["$SYS/#", ["$SYS/x"]],
      ["+/x", []],
      ["a/b/c/d", []],
    ];
    for (const [filter, topics] of table) {
      assert.equal(
        retained
          .match(filter)
          .map(({ topic }) => topic)
          .toSorted(),
        topics,
        filter,
      );
    }
  });

  test("a topic has one message, and none after an empty payload", () => {
    const retained = new RetainedMessages(100);
    retained.store(packet("a/b", "one"));
    retained.store(packet("a/b", "two"));
    assert.is(retained.count, 1);
    assert.equal(
      retained.match("a/b").map(({ payload }) => payload.toString()),
      ["two"],
    );
    retained.store(packet("a/b", ""));
    retained.store(packet("never/there", ""));
    assert.is(retained.count, 0);
  });

  test("there is room for so many bytes and no more, and what goes makes room", () => {
    const bytes = { one: 10, all: 3_000 };
    const retained = new RetainedMessages(100, bytes);
    assert.is(retained.store(packet("a", "x".repeat(bytes.one + 1))), false);
    const kept = Array.from({ length: 10 }, (_, at) => retained.store(packet(`a/${at}`, "x".repeat(bytes.one))));
    const count = kept.filter(Boolean).length;
    assert.ok(count >= 4 && count < 10, String(count));
    assert.is(retained.store(packet("a/0", "y")), true);
    retained.store(packet("a/1", ""));
    assert.is(retained.store(packet("b", "z")), true);
    assert.is(retained.count, count);
    assert.ok(bytes.one < defaultLimits.retainedBytes && bytes.all < defaultLimits.retainedTotal);
  });

  test("there is room for so many and no more", () => {
    const retained = new RetainedMessages(2);
    assert.equal(
      ["a", "b", "c", "a"].map((topic) => retained.store(packet(topic))),
      [true, true, false, true],
    );
    assert.equal(
      retained.match("#").map(({ topic }) => topic),
      ["a", "b"],
    );
    retained.store(packet("a", ""));
    assert.is(retained.store(packet("c")), true);
  });

  test("a lookup walks only what its filter reaches", () => {
    const retained = new RetainedMessages(100_000);
    for (let at = 0; at < 50_000; at++) retained.store(packet(`muster/d${at}/status`));
    const begun = performance.now();
    for (let at = 0; at < 1_000; at++) assert.is(retained.match(`muster/d${at}/+`).length, 1);
    const each = (performance.now() - begun) / 1_000;
    assert.ok(each < 0.5, `one of 50,000 took ${each.toFixed(3)} ms`);
  });

  test("10,000 of them reach a subscriber", async (scope) => {
    const { broker, url } = await startBroker(scope);
    for (let at = 0; at < 10_000; at++) {
      await broker.local().publish(`muster/d${at}/status`, Buffer.from(String(at)), { retain: true });
    }
    const viewer = await login(scope, url, "vera");
    const seen = inbox(viewer);
    await viewer.subscribeAsync("muster/+/status", { qos: 1 });
    await seen.upTo(() => seen.messages.length === 10_000);
    assert.ok(seen.messages.every(({ retain }) => retain));
  });
});
