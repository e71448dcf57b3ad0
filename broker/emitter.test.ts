import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { Emitter } from "./emitter.ts";
import type { StoredPacket } from "./packets.ts";
import { Ring } from "./ring.ts";

const packet = (topic: string): StoredPacket => ({
  cmd: "publish",
  topic,
  payload: Buffer.alloc(0),
  qos: 0,
  retain: false,
});

suite("emitter", ({ test }) => {
  test("the ring gives back what it took, in order, across its growth", () => {
    const ring = new Ring<number>();
    let [next, expected] = [0, 0];
    for (const [pushes, shifts] of [
      [10, 5],
      [20, 3],
      [100, 120],
      [1_000, 2],
      [0, 1_000],
    ] as const) {
      for (let at = 0; at < pushes; at++) ring.push(next++);
      for (let at = 0; at < shifts; at++) assert.is(ring.shift(), expected++);
      assert.is(ring.length, next - expected);
    }
    assert.is(ring.shift(), undefined);
  });

  test("at most a hundred messages are on their way; the rest wait in order", () => {
    const emitter = new Emitter();
    const [arrived, releases]: [string[], (() => void)[]] = [[], []];
    emitter.on("a/+", ({ topic }, done) => {
      arrived.push(topic);
      releases.push(done);
    });
    let finished = 0;
    for (let at = 0; at < 1_000; at++) emitter.emit(packet(`a/${at}`), () => (finished += 1));
    assert.is(arrived.length, 100);
    for (let at = 0; at < 1_000; at++) releases[at]?.();
    assert.is(finished, 1_000);
    assert.equal(
      arrived,
      Array.from({ length: 1_000 }, (_, at) => `a/${at}`),
    );
  });

  test("a message for nobody that waited lets the next one through", async () => {
    const emitter = new Emitter();
    const releases: (() => void)[] = [];
    emitter.on("a", (_packet, done) => void releases.push(done));
    let finished = 0;
    for (let at = 0; at < 100; at++) emitter.emit(packet("a"));
    for (const topic of ["b", "b", "a"]) emitter.emit(packet(topic), () => (finished += 1));
    releases[0]?.();
    await new Promise((resolve) => setImmediate(resolve));
    assert.is(finished, 2);
    assert.is(releases.length, 101);
  });

  test("a patient listener holds back its publisher, and no other message", () => {
    const emitter = new Emitter();
    const held: (() => void)[] = [];
    const seen: string[] = [];
    emitter.onPatiently("slow", (_packet, done) => void held.push(done));
    emitter.on("fast", ({ topic }, done) => {
      seen.push(topic);
      done();
    });
    let finished = 0;
    for (let at = 0; at < 500; at++) emitter.emit(packet("slow"), () => (finished += 1));
    emitter.emit(packet("fast"));
    assert.is(held.length, 500);
    assert.is(finished, 0);
    assert.is(seen.length, 1);
    for (const done of held) done();
    assert.is(finished, 500);
  });

  test("a message that is done at once gives others a turn before its publisher goes on", async () => {
    const emitter = new Emitter();
    let finished = false;
    emitter.emit(packet("nobody"), () => (finished = true));
    assert.is(finished, false);
    await new Promise((resolve) => setImmediate(resolve));
    assert.is(finished, true);
  });

  test("ten thousand messages that are done at once do not deepen the stack", () => {
    const emitter = new Emitter();
    let release: (() => void) | undefined;
    emitter.on("block", (_packet, done) => (release = done));
    let seen = 0;
    emitter.on("quick", (_packet, done) => {
      seen += 1;
      done();
    });
    const blocks: (() => void)[] = [];
    for (let at = 0; at < 100; at++) {
      emitter.emit(packet("block"));
      if (release) blocks.push(release);
    }
    for (let at = 0; at < 10_000; at++) emitter.emit(packet("quick"));
    assert.is(seen, 0);
    for (const done of blocks) done();
    assert.is(seen, 10_000);
  });
});
