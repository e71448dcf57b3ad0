import { PassThrough } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../test/suite.ts";
import {
  HandshakeQueue,
  maxHandshakesAtOnce,
  maxHandshakesATurn,
  maxHandshakesOfOne,
  slowHandshake,
} from "./handshake-queue.ts";

/** A queue, and who was begun so far, in order. */
function begin() {
  const begun: PassThrough[] = [];
  const clock = new ManualClock();
  const queue = new HandshakeQueue<PassThrough>(clock, (socket) => void begun.push(socket));
  /** So many that come in the same moment. */
  const come = (count: number, remoteAddress: string): PassThrough[] => {
    const sockets = Array.from({ length: count }, () => Object.assign(new PassThrough(), { remoteAddress }));
    for (const socket of sockets) queue.add(socket);
    return sockets;
  };
  const settle = async (): Promise<void> => {
    for (let before = -1; before < begun.length;) {
      before = begun.length;
      for (let turn = 0; turn < 3; turn++) await nextTurn();
    }
  };
  return { queue, clock, begun, come, settle };
}

suite("handshakes that wait for their turn", ({ test }) => {
  test("a few begin in one turn of the event loop, and the others in later ones", async () => {
    const { begun, come, settle } = begin();
    const all = come(maxHandshakesATurn + 1, "192.0.2.1");
    await nextTurn();
    assert.is(begun.length, maxHandshakesATurn);
    await settle();
    assert.equal(begun, all);
  });

  test("of one network few are under way, and each that ends or closes makes room for the next", async () => {
    const { queue, begun, come, settle } = begin();
    const all = come(maxHandshakesOfOne + 3, "192.0.2.1");
    await settle();
    assert.is(begun.length, maxHandshakesOfOne);
    queue.ended(all[0] as PassThrough);
    queue.ended(all[0] as PassThrough);
    await settle();
    assert.is(begun.length, maxHandshakesOfOne + 1);
    all[1]?.destroy();
    await settle();
    assert.is(begun.length, maxHandshakesOfOne + 2);
  });

  test("whoever begins and goes no further keeps nobody waiting for longer than a moment", async () => {
    const { clock, begun, come, settle } = begin();
    const all = come(2 * maxHandshakesOfOne, "192.0.2.1");
    await settle();
    clock.advance(slowHandshake - 1);
    await settle();
    assert.is(begun.length, maxHandshakesOfOne);
    clock.advance(1);
    await settle();
    assert.equal(begun, all);
  });

  test("somebody with thousands of IPv6 networks keeps nobody of another site waiting", async () => {
    const { clock, begun, come, settle } = begin();
    for (let at = 0; at < 2_000; at += 1) come(1, `2001:db8:1:${at.toString(16)}::1`);
    await settle();
    assert.is(begun.length, maxHandshakesOfOne);
    const others = [...come(1, "2001:db8:2::1"), ...come(1, "192.0.2.1")];
    await settle();
    assert.equal(begun.slice(maxHandshakesOfOne), others);
    clock.advance(slowHandshake);
    await settle();
    assert.is(begun.length, 2 * maxHandshakesOfOne + others.length);
  });

  test("in all there are few, networks take turns, and one that has its share leaves room for others", async () => {
    const { begun, come, settle } = begin();
    const crowd = come(500, "192.0.2.1");
    await nextTurn();
    const [other] = come(1, "192.0.2.2");
    await nextTurn();
    assert.ok(begun.includes(other as PassThrough));
    await settle();
    assert.is(begun.filter((one) => crowd.includes(one)).length, maxHandshakesOfOne);
    for (let network = 3; network < 60; network++) come(maxHandshakesOfOne, `192.0.2.${network}`);
    await settle();
    assert.is(begun.length, maxHandshakesAtOnce);
  });

  test("who goes while it waits is not begun, and the end closes all who wait", async () => {
    const { queue, begun, come, settle } = begin();
    const all = come(maxHandshakesOfOne + 2, "192.0.2.1");
    await settle();
    const [gone, last] = all.slice(-2);
    gone?.destroy();
    await settle();
    queue.ended(all[0] as PassThrough);
    await settle();
    assert.is(begun.at(-1), last);
    const [late] = come(1, "192.0.2.1");
    queue.stop();
    await settle();
    assert.ok(late?.destroyed);
    assert.is(begun.length, maxHandshakesOfOne + 1);
  });
});
