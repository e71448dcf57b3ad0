import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog, type Log } from "#shared/log";
import { guardedClock, maxFaultLength, maxFaultPlaces, SafetyNet, quietPlace } from "#shared/safety-net";
import { suite } from "../test/suite.ts";

function make() {
  const lines: string[] = [];
  const clock = new ManualClock();
  const log: Log = { ...silentLog, error: (_, message) => void lines.push(message) };
  return { net: new SafetyNet(log, clock), clock, lines };
}

suite("net", ({ test }) => {
  test("what a listener throws goes no further, is counted and told once", () => {
    const { net, clock, lines } = make();
    const listener = net.guard("the door", (who: string) => {
      throw new Error(`no ${who}`);
    });
    listener("ann");
    clock.advance(1_000);
    listener("bob");
    assert.is(net.total, 2);
    assert.equal(net.places, [
      { where: "the door", count: 2, first: clock.now() - 1_000, latest: clock.now(), error: "no bob" },
    ]);
    assert.is(lines.length, 1);
  });

  test("a place that goes on is told again after a while, with how many there were", () => {
    const { net, clock, lines } = make();
    for (let at = 0; at < 5; at++) net.caught("the door", new Error("again"));
    clock.advance(quietPlace - 1);
    net.caught("the door", new Error("again"));
    assert.is(lines.length, 1);
    clock.advance(1);
    net.caught("the door", new Error("again"));
    assert.is(lines.length, 2);
    assert.match(lines[1] ?? "", /5 more/);
  });

  test("an async listener's rejection is caught too", async () => {
    const { net } = make();
    net.guard("later", async () => {
      await Promise.resolve();
      throw new Error("late");
    })();
    await new Promise(setImmediate);
    assert.is(net.places[0]?.error, "late");
  });

  test("what it was about pays for it, and that may throw as well", () => {
    const { net } = make();
    const closed: string[] = [];
    const close = (name: string): void => {
      closed.push(name);
      throw new Error("closed twice");
    };
    net.guard("a socket", (_name: string) => raise(), close)("socket 1");
    assert.equal(closed, ["socket 1"]);
    assert.is(net.total, 2);
  });

  test("whatever is thrown, and a log that throws, stay inside", () => {
    const { net } = make();
    const odd: unknown[] = [
      undefined,
      null,
      "text",
      Symbol("s"),
      Object.create(null),
      { toString: () => raise() },
      Object.assign(new Error("x"), { message: 7 }),
    ];
    for (const thrown of odd) net.caught("odd", thrown);
    assert.is(net.total, odd.length);
    const broken = new SafetyNet({ ...silentLog, error: () => raise() }, new ManualClock());
    broken.caught("a place", new Error("x"));
    assert.is(broken.total, 1);
  });

  test("places and texts are bounded", () => {
    const { net } = make();
    for (let at = 0; at < maxFaultPlaces + 10; at++)
      net.caught(`place ${at}`, new Error("x".repeat(maxFaultLength + 10)));
    assert.is(net.places.length, maxFaultPlaces);
    assert.is(net.places.find(({ where }) => where === "elsewhere")?.count, 11);
    assert.ok(net.places.every(({ error }) => error.length === maxFaultLength));
    assert.is(net.total, maxFaultPlaces + 10);
  });

  test("a timer of a guarded clock costs its tick alone", () => {
    const { net, clock } = make();
    const guarded = guardedClock(clock, net);
    const fired: string[] = [];
    guarded.after(10, raise);
    guarded.after(10, () => void fired.push("second"));
    guarded.after(20, () => void fired.push("cancelled"))();
    clock.advance(30);
    assert.equal(fired, ["second"]);
    assert.is(net.total, 1);
    assert.is(guarded.now(), clock.now());
  });
});

function raise(): never {
  throw new Error("raised");
}
