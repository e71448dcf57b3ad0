import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId, type DeviceId } from "#shared/ids";
import { suite, type Scope } from "../../test/suite.ts";
import { batchOf, openIngest, rpi } from "./fixture.ts";
import { WaitingRoom, maxTakeTurn, maxOnTheWay, maxWaiting, maxWaitingOfOne } from "./waiting-room.ts";
import { pressureFrom, pressureUntil } from "./pressure.ts";

const device = (number: number): DeviceId => parseDeviceId(`d${number}`);
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** An waiting before a store that takes `cost` ms for each batch, and of which it is said how much it holds. */
function rig(scope: Scope, cost = 0) {
  const clock = new ManualClock();
  const state = { cost, onTheWay: 0, unread: 0 };
  const taken: string[] = [];
  const left: DeviceId[] = [];
  const arrivals: number[] = [];
  const told: boolean[] = [];
  const failures: unknown[] = [];
  const waiting: WaitingRoom = new WaitingRoom({
    clock,
    take: (id, { topic }, arrival) => {
      clock.advance(state.cost);
      taken.push(`${id} ${topic}`);
      arrivals.push(arrival);
      if (topic === "bad") throw new Error("bad");
    },
    failed: (_, thrown) => failures.push(thrown),
    onTheWay: () => state.onTheWay,
    unread: () => state.unread,
    leave: (id) => left.push(id),
    onPressure: () => told.push(waiting.pressed),
  });
  scope.cleanup(() => waiting.stop());
  const offer = (id: DeviceId, topic: string, bytes = 1_000): void =>
    waiting.offer(id, { topic, payload: Buffer.alloc(bytes), retain: false });
  /** The store has no room: all that comes waits. */
  const hold = (): void => void (state.onTheWay = maxOnTheWay);
  const go = (): void => {
    state.onTheWay = 0;
    waiting.goOn();
  };
  return { clock, state, waiting, taken, left, arrivals, told, failures, offer, hold, go };
}

suite("between what devices send and what the store takes", ({ test }) => {
  test("while there is time in a turn a batch is taken as it comes; then it waits for the next, with the time that it came", async (scope) => {
    const { taken, offer, arrivals, clock } = rig(scope, maxTakeTurn / 2);
    const began = clock.now();
    for (const number of [1, 2, 3, 4, 5]) offer(device(number), "a");
    assert.equal(taken, ["d1 a", "d2 a"]);
    await nextTurn();
    assert.equal(taken, ["d1 a", "d2 a", "d3 a", "d4 a"]);
    await nextTurn();
    assert.is(taken.length, 5);
    assert.equal(
      arrivals.slice(2).map((at) => at - began),
      [maxTakeTurn, maxTakeTurn, maxTakeTurn],
    );
  });

  test("the wall clock is set while a batch waits: it came as long ago, by the time that it is now", async (scope) => {
    const { clock, arrivals, offer, hold, go } = rig(scope);
    hold();
    offer(device(1), "a");
    clock.advance(5_000);
    clock.setWall(clock.now() - 8 * 86_400_000);
    go();
    await nextTurn();
    assert.equal(arrivals, [clock.now() - 5_000]);
  });

  test("nothing is taken while the store has its hands full, and it goes on when there is room", async (scope) => {
    const { state, taken, offer, go } = rig(scope);
    state.onTheWay = maxOnTheWay - 1;
    offer(device(1), "a");
    state.onTheWay = maxOnTheWay;
    offer(device(1), "b");
    await nextTurn();
    assert.equal(taken, ["d1 a"]);
    go();
    await nextTurn();
    assert.equal(taken, ["d1 a", "d1 b"]);
  });

  test("devices take turns, and those of one keep their order", async (scope) => {
    const { taken, offer, hold, go } = rig(scope);
    hold();
    for (const topic of ["a", "b", "c"]) offer(device(1), topic);
    for (const topic of ["a", "b"]) offer(device(2), topic);
    offer(device(3), "a");
    go();
    await nextTurn();
    assert.equal(taken, ["d1 a", "d2 a", "d3 a", "d1 b", "d2 b", "d1 c"]);
  });

  test("of one device so many wait, or so many bytes; more are left to it, and to no other", (scope) => {
    const { left, offer, hold } = rig(scope);
    hold();
    for (let number = 0; number < maxWaitingOfOne.batches; number += 1) offer(device(1), "a");
    assert.equal(left, []);
    offer(device(1), "a");
    offer(device(2), "a");
    assert.equal(left, [device(1)]);
    offer(device(3), "one, however large", maxWaitingOfOne.bytes + 1);
    offer(device(3), "b");
    assert.equal(left, [device(1), device(3)]);
  });

  test("in all so many bytes wait; beyond it each device's first, up to a second bound", (scope) => {
    const { waiting, left, offer, hold } = rig(scope);
    hold();
    const size = 200_000;
    for (let number = 0; left.length === 0; number += 1) {
      offer(device(number), "a", size);
      offer(device(number), "b", size);
    }
    assert.ok(waiting.bytes <= maxWaiting.bytes + size + 1_000, String(waiting.bytes));
    assert.ok(waiting.bytes > maxWaiting.bytes - size - 1_000, String(waiting.bytes));
    left.length = 0;
    let number = 1_000;
    for (; left.length === 0; number += 1) offer(device(number), "a", size);
    assert.ok(waiting.bytes <= maxWaiting.firstBytes);
    assert.ok(waiting.bytes > maxWaiting.firstBytes - size - 1_000);
    waiting.forget(device(0));
    offer(device(number), "there is room again", size);
    assert.equal(left, [device(number - 1)]);
  });

  for (const [what, marks] of Object.entries({
    bytes: (share: number) => ({ share, unread: 0 }),
    lateness: (share: number) => ({ share: 0, unread: share }),
  }))
    test(`agents hold from one mark on, and go on at a lower one: ${what}`, async (scope) => {
      const { state, told, waiting, offer, hold, go } = rig(scope);
      const isBytes = marks(1).share === 1;
      hold();
      if (isBytes) {
        for (let number = 0; waiting.bytes <= maxWaiting.bytes * pressureFrom.share; number += 1) {
          assert.equal(told, []);
          offer(device(number), "a", 200_000);
        }
        offer(device(999), "a", 0);
        assert.equal(told, [true]);
        while (waiting.bytes > maxWaiting.bytes * pressureUntil.share) {
          assert.match(
            waiting.problem ?? "",
            /devices? waits? with [\d.]+ MiB\. Agents keep the rest on their own disks/,
          );
          waiting.forget(device(Math.round(waiting.bytes / 200_256) - 1));
          waiting.forget(device(999));
        }
      } else {
        state.unread = pressureFrom.behind;
        offer(device(1), "a");
        assert.equal(told, []);
        state.unread += 1;
        offer(device(1), "b");
        assert.equal(told, [true]);
        assert.match(waiting.problem ?? "", /it is 1\.0 s behind, and 1 device waits with 0\.0 MiB/);
        state.unread = pressureUntil.behind + 1;
        go();
        await nextTurn();
        assert.equal(told, [true]);
        state.unread = pressureUntil.behind;
        offer(device(1), "c");
      }
      assert.equal(told, [true, false]);
      assert.is(waiting.problem, undefined);
    });

  test("while it lasts it is said again, and looked at though nothing comes", (scope) => {
    const { clock, state, told, offer } = rig(scope);
    state.unread = pressureFrom.behind + 1;
    offer(device(1), "a");
    clock.advance(5_000);
    assert.equal(told, [true, true]);
    state.unread = 0;
    clock.advance(5_000);
    clock.advance(60_000);
    assert.equal(told, [true, true, false]);
  });

  test("what one throws that had to wait keeps no other", async (scope) => {
    const { failures, taken, offer, hold, go } = rig(scope);
    hold();
    offer(device(1), "bad");
    offer(device(2), "a");
    go();
    await nextTurn();
    assert.is(failures.length, 1);
    assert.equal(taken, ["d1 bad", "d2 a"]);
  });

  test("what finds no room is not acknowledged, comes again, and is written once: nothing is missing in the end", async (scope) => {
    const { clock, ingest, store, written, acked, take, settled } = await openIngest(scope);
    const write = store.write;
    store.write = (series) => {
      clock.advance(maxTakeTurn);
      return write(series);
    };
    const sent = 3 * maxWaitingOfOne.batches;
    const unacked = (): number[] =>
      Array.from({ length: sent }, (_, at) => at + 1).filter((seq) => !acked.has(`a ${seq}`));
    for (const seq of unacked()) take(batchOf(seq));
    assert.is(ingest.batches.stats.deferred, sent - 1 - maxWaitingOfOne.batches);
    assert.is(written.length, 1);
    for (let round = 0; unacked().length > 0 && round < 1_000; round += 1) {
      await settled();
      if (ingest.waiting.bytes === 0) for (const seq of unacked()) take(batchOf(seq));
    }
    assert.equal(unacked(), []);
    assert.is(written.length, sent);
    const { missing, outstanding, gaps } = ingest.batches.completeness.of(rpi);
    assert.equal([missing, outstanding.batches, gaps], [0, 0, []]);
  });
});
