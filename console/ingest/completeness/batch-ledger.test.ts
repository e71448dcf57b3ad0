import * as assert from "uvu/assert";
import { parseDeviceId } from "#shared/ids";
import { suite } from "../../../test/suite.ts";
import { replacedWhy } from "./completeness.ts";
import { openLedger, rpi } from "./fixture.ts";

suite("ledger of batches", ({ test }) => {
  test("a batch is new once, and known after the process was killed", async (scope) => {
    const { acked, start } = await openLedger(scope);
    const { ledger, commits, store } = start();
    assert.is(store(1), "new");
    assert.is(store(1), "writing");
    assert.equal(acked, []);
    await commits.flush();
    assert.equal(acked, ["rpi-7 a 1"]);
    assert.is(store(1), "stored");
    // Heard, and not written yet, when the process dies.
    assert.is(ledger.register(rpi, "a", 2), "new");
    const after = start();
    assert.is(after.store(1), "stored");
    assert.is(after.store(2), "new");
  });

  test("what the store did not take is new again, and costs nothing when it was all that is known of an outbox", async (scope) => {
    const { start } = await openLedger(scope);
    const { ledger, reports } = start();
    for (let at = 0; at < 100; at += 1) {
      assert.is(ledger.register(rpi, `made-up-${at}`, 1), "new");
      ledger.kept(rpi, `made-up-${at}`, 1);
    }
    assert.is(ledger.register(rpi, "made-up-0", 1), "new");
    assert.is(reports.of(rpi).outstanding.batches, 1);
    assert.is([...reports.walk()].length, 1);
  });

  test("what has left the outbox and is not known is not awaited, whoever acknowledged it; should it come, it is stored", async (scope) => {
    const { ledger, reports, store } = (await openLedger(scope)).start();
    const counts = (): unknown => {
      const { stored, missing, outstanding, forgotten, expected } = reports.of(rpi);
      return [stored, missing, outstanding.batches, forgotten.batches, expected];
    };
    store(1);
    // The state of before 2 to 5 was put back; 6 is on its way as well.
    ledger.keptFrom(rpi, "a", 1);
    store(7);
    ledger.keptFrom(rpi, "a", 6);
    assert.equal(counts(), [20, 0, 1, 4, 70]);
    // A message that was overtaken, and one that claims what was never heard of.
    ledger.keptFrom(rpi, "a", 3);
    ledger.keptFrom(rpi, "a", 8);
    ledger.keptFrom(rpi, "unknown", 8);
    assert.equal(counts(), [20, 0, 1, 4, 70]);
    assert.is(store(6), "new");
    assert.is(store(4), "new");
    assert.equal(counts(), [40, 0, 0, 3, 70]);
    // What the device gave up itself is lost, and told as such.
    store(8, { samples: 0, gap: { from: 2, to: 3, samples: 20, why: "full" } });
    assert.equal(counts(), [40, 20, 0, 1, 70]);
    assert.is(reports.of(rpi).outstanding.since, null);
  });

  test("holes are outstanding until they are filled, in any order", async (scope) => {
    const { clock, start } = await openLedger(scope);
    const { ledger, commits, reports, store } = start();
    for (const seq of [5, 7, 9, 3]) store(seq);
    const noticed = clock.now();
    clock.advance(1_000);
    assert.equal(reports.of(rpi), {
      device: rpi,
      since: noticed,
      expected: 70,
      stored: 40,
      setAside: 0,
      missing: 0,
      outstanding: { batches: 3, samples: 30, from: noticed + 3_000, since: noticed },
      forgotten: { batches: 0, samples: 0 },
      gaps: [],
    });
    for (const seq of [8, 6, 4, 4]) store(seq);
    await commits.flush();
    assert.equal(reports.of(rpi).outstanding, { batches: 0, samples: 0, from: null, since: null });
    assert.is(reports.of(rpi).stored, 70);
    assert.is(ledger.watermark(rpi, "a"), noticed + 9_000);
  });

  test("a gap that is told is missing, from when to when and why; told twice it counts once", async (scope) => {
    const { start } = await openLedger(scope);
    const { reports, store } = start();
    const gap = { from: 2, to: 5, samples: 40, since: 1_000, until: 9_000, why: "the outbox is full" };
    store(1);
    store(6, { gap, samples: 0 });
    store(7, { gap, samples: 0 });
    store(8, { setAside: 2 });
    const { gaps, ...counts } = reports.of(rpi);
    assert.equal(
      [counts.expected, counts.stored, counts.setAside, counts.missing, counts.outstanding.batches],
      [62, 20, 2, 40, 0],
    );
    assert.is(gaps.length, 1);
    const [told] = gaps;
    assert.equal([told?.outbox, told?.first, told?.last, told?.batches], ["a", 2, 5, 4]);
    assert.equal([told?.samples, told?.estimated, told?.from, told?.to], [40, false, 1_000, 9_000]);
    assert.is(told?.why, "the outbox is full");
    assert.is(reports.missing(rpi), 40);
  });

  test("of a gap only what did not come is missing: stored before, or on its way when the gap was told", async (scope) => {
    const { start } = await openLedger(scope);
    const { ledger, reports, store } = start();
    store(1);
    store(2);
    assert.is(ledger.register(rpi, "a", 3), "new");
    store(5, { gap: { from: 2, to: 4, samples: 30, why: "full" }, samples: 0 });
    assert.is(reports.of(rpi).missing, 20);
    ledger.stored(rpi, { outbox: "a", seq: 3, end: 0, samples: 10, setAside: 0 });
    assert.is(reports.of(rpi).missing, 10);
    assert.is(reports.of(rpi).stored, 30);
    assert.is(reports.of(rpi).gaps[0]?.batches, 1);
  });

  test("a gap without a count is estimated; one that reaches beyond its own number takes nobody's place", async (scope) => {
    const { start } = await openLedger(scope);
    const { reports, store } = start();
    store(1, { samples: 12 });
    store(4, { gap: { from: 2, to: 2 ** 50, why: "damaged" }, samples: 0 });
    assert.equal(
      reports.of(rpi).gaps.map(({ last, samples, estimated }) => [last, samples, estimated]),
      [[3, 24, true]],
    );
    assert.is(store(5), "new");
  });

  test("an outbox that was replaced takes what it owed with it; one of two that are both alive does not", async (scope) => {
    const { clock, start } = await openLedger(scope);
    const { reports, store } = start();
    store(1);
    store(4);
    const heard = clock.now();
    clock.advance(1_000);
    store(1, { outbox: "b" });
    assert.is(reports.of(rpi).missing, 0);
    clock.advance(120_000);
    store(5);
    store(2, { outbox: "b" });
    assert.equal([reports.of(rpi).missing, reports.of(rpi).outstanding.batches], [0, 2]);
    clock.advance(120_000);
    store(3, { outbox: "b" });
    const { missing, outstanding, gaps, expected } = reports.of(rpi);
    assert.equal([missing, outstanding.batches, expected], [20, 0, 80]);
    const [lost] = gaps;
    assert.equal([lost?.outbox, lost?.first, lost?.last, lost?.why], ["a", 2, 3, replacedWhy]);
    assert.equal([lost?.from, lost?.to], [heard + 1_000, heard + 121_000]);
    assert.is(reports.missing(rpi), 20);
  });

  test("a hostile device: numbers far ahead, thousands of holes, outboxes and gaps stay small, and the others are counted", async (scope) => {
    const { database, start } = await openLedger(scope);
    const { ledger, commits, reports, store } = start();
    store(1);
    store(2 ** 50);
    for (let seq = 10; seq < 4_010; seq += 2) {
      assert.is(store(seq), "new");
      await commits.flush();
    }
    for (let at = 0; at < 60; at += 1) {
      store(1, { outbox: `x${at}` });
      store(3, { outbox: `x${at}` });
      await commits.flush();
    }
    for (let seq = 10; seq < 510; seq += 2) {
      const gap = { from: seq - 1, to: seq - 1, samples: Number.MAX_SAFE_INTEGER, why: "w".repeat(2_000) };
      store(seq, { outbox: "gaps", gap });
      await commits.flush();
    }
    assert.is(commits.problem, undefined);
    const count = (table: string): number =>
      (database.prepare(`SELECT COUNT(*) AS count FROM ${table}`).get() as { count: number }).count;
    assert.ok(count("outboxes") <= 21, `${count("outboxes")} outboxes`);
    assert.ok(count("outbox_gaps") <= 200, `${count("outbox_gaps")} gaps`);
    const { settled } = database.prepare("SELECT MAX(LENGTH(settled)) AS settled FROM outboxes").get() as {
      settled: number;
    };
    assert.ok(settled < 8_000, `${settled} characters`);
    const { gaps, missing } = reports.of(rpi);
    assert.ok(gaps.some(({ outbox, why }) => outbox === null && /taken together/.test(why)));
    assert.ok(missing > Number.MAX_SAFE_INTEGER);
    assert.ok(reports.missing(rpi) > 1e15);

    const other = parseDeviceId("rpi-8");
    assert.is(ledger.register(other, "a", 1), "new");
    ledger.stored(other, { outbox: "a", seq: 1, end: 0, samples: 10, setAside: 0 });
    assert.is(reports.of(other).stored, 10);
  });

  test("more than two windows of one device are left to their sender", async (scope) => {
    const { start } = await openLedger(scope);
    const { ledger } = start();
    const taken = Array.from({ length: 70 }, (_, at) => ledger.register(rpi, "a", at + 1));
    assert.is(taken.filter((one) => one === "new").length, 64);
    assert.is(taken.at(-1), "busy");
    assert.is(ledger.register(parseDeviceId("rpi-8"), "a", 1), "new");
    ledger.kept(rpi, "a", 64);
    assert.is(ledger.register(rpi, "a", 70), "new");
  });
});
