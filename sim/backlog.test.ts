import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { Backlog } from "./backlog.ts";
import { hasReturned } from "./world.ts";
import { SimTally } from "./sim-tally.ts";

function filled(count: number): { backlog: Backlog; tally: SimTally } {
  const tally = new SimTally();
  const backlog = new Backlog(tally);
  for (let at = 0; at < count; at++) backlog.append(at * 1_000, 1_000, 1);
  return { backlog, tally };
}

const numbers = (entries: readonly { seq: number }[]): number[] => entries.map(({ seq }) => seq);
const first = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

suite("a simulated outbox", ({ test }) => {
  test("a window of batches, oldest first; acks make room", () => {
    const { backlog, tally } = filled(40);
    assert.equal(numbers(backlog.nextToSend(40_000, true)), first(32));
    assert.equal(backlog.nextToSend(40_000, true), []);
    backlog.ack(
      {
        ranges: [
          [1, 2],
          [30, 99],
        ],
      },
      40_000,
    );
    assert.is(backlog.size, 27);
    assert.equal(numbers(backlog.nextToSend(40_000, true)), []);
    assert.is(tally.acked, 13);
    assert.is(tally.late, 12, "only the last one is no older than an interval");
  });

  test("without an ack it goes again after 10 s, then after twice as long; after a reconnect at once", () => {
    const { backlog, tally } = filled(1);
    assert.equal(numbers(backlog.nextToSend(0, true)), [1]);
    assert.is(backlog.next(true), 10_000);
    assert.equal(backlog.nextToSend(9_999, true), []);
    assert.equal(numbers(backlog.nextToSend(10_000, true)), [1]);
    assert.is(backlog.next(true), 30_000);
    backlog.forget(-Infinity);
    assert.equal(numbers(backlog.nextToSend(11_000, true)), [1]);
    assert.equal([tally.sent, tally.resent], [1, 2]);
  });

  test("all goes again when the console, or its store, comes back, and at no other word of it", () => {
    const here = { session: "a", online: true, taking: true };
    assert.is(hasReturned(here, { ...here }), false, "the fleet has become larger");
    assert.is(hasReturned(here, { ...here, taking: false }), false);
    assert.is(hasReturned({ ...here, taking: false }, here), true);
    assert.is(hasReturned({ ...here, online: false }, here), true);
    assert.is(hasReturned(here, { ...here, session: "b" }), true);
  });

  test("while the store takes nothing, one batch now and then", () => {
    const { backlog } = filled(5);
    assert.equal(numbers(backlog.nextToSend(0, false)), [1]);
    assert.equal(backlog.nextToSend(29_000, false), []);
    assert.equal(numbers(backlog.nextToSend(30_000, false)), [1]);
    backlog.forget(31_000);
    assert.equal(numbers(backlog.nextToSend(31_000, true)), first(5));
  });

  test("beyond its bound the oldest go, and a batch of its own tells the gap", () => {
    const { backlog, tally } = filled(363);
    assert.is(tally.dropped, 3);
    backlog.ack(
      {
        ranges: [
          [4, 361],
          [363, 364],
        ],
      },
      363_000,
    );
    assert.equal(
      backlog.nextToSend(363_000, true).map(({ seq, count, gap }) => [seq, count, gap]),
      [[362, 0, { from: 1, to: 3, samples: 3 }]],
    );
  });

  test("after a long time away every number has arrived or lies in one told gap", () => {
    const { backlog } = filled(2_000);
    const arrived: number[] = [];
    const gaps: { from: number; to: number; samples: number }[] = [];
    for (let sent = backlog.nextToSend(1e7, true); sent.length > 0; sent = backlog.nextToSend(1e7, true)) {
      for (const { seq, gap } of sent) {
        arrived.push(seq);
        if (gap) gaps.push(gap);
        backlog.ack({ ranges: [[seq, seq]] }, 1e7);
      }
    }
    const [oldest = 0] = arrived;
    assert.equal(arrived, first(arrived.at(-1) ?? 0).slice(oldest - 1));
    assert.equal(gaps, [{ from: 1, to: oldest - 1, samples: 2_000 - (arrived.length - gaps.length) }]);
  });

  test("a gap that was told stays as it was: later losses are another one", () => {
    const { backlog } = filled(361);
    backlog.ack({ ranges: [[2, 340]] }, 361_000);
    const told = (): unknown[] => backlog.nextToSend(361_000, true).flatMap(({ gap }) => (gap ? [gap] : []));
    assert.equal(told(), [{ from: 1, to: 1, samples: 1 }]);
    for (let at = 0; at < 339; at++) backlog.append(1e6, 1_000, 1);
    backlog.forget(-Infinity);
    assert.equal(told(), [{ from: 1, to: 1, samples: 1 }]);
    backlog.ack({ ranges: [[341, 701]] }, 1e7);
    assert.equal(told(), [{ from: 341, to: 341, samples: 1 }]);
  });

  test("what waits longer than its interval is late, acknowledged or not", () => {
    const { backlog, tally } = filled(3);
    assert.is(backlog.overdue(3_000), 2);
    backlog.ack({ ranges: [[1, 1]] }, 900);
    assert.is(tally.late, 0);
    backlog.abandon(9_000);
    assert.equal([tally.late, tally.abandoned, tally.waiting], [2, 2, 0]);
  });
});

suite("the tally", ({ test }) => {
  test("tells within which time a share of the batches was acknowledged, to 10 %", () => {
    const tally = new SimTally();
    assert.is(tally.percentile(0.99), 0);
    for (let ms = 1; ms <= 1_000; ms++) tally.acknowledged(ms, 900);
    for (const [share, ms] of [
      [0.5, 500],
      [0.99, 990],
      [1, 1_000],
    ] as const)
      assert.ok(Math.abs(tally.percentile(share) / ms - 1) < 0.1, `${share}: ${tally.percentile(share)}`);
    assert.is(tally.late, 100);
  });
});
