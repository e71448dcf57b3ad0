import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { suite, type Scope } from "../../test/suite.ts";
import { otherBatchAfter, maxReturns } from "./completeness/batch-ledger.ts";
import { batchOf, openIngest, rpi } from "./fixture.ts";
import { Forks, maxToldRuns, shownFor } from "./forks.ts";

/** Ingest, with a word for a batch whose field has its own number and run in it. */
async function start(scope: Scope) {
  const at = await openIngest(scope);
  const send = (run: string, ...seqs: number[]): void => {
    for (const seq of seqs) at.take(batchOf(seq, { run, dt: [0], m: [{ n: "room", f: { v: `${run} ${seq}` } }] }));
  };
  const stored = (): unknown[] =>
    at.written.flatMap(({ fields }) => Object.values(fields).flatMap((one) => one)).sort();
  const report = () => at.ingest.batches.completeness.of(rpi);
  return { ...at, send, stored, report };
}

suite("an outbox that goes back, or exists twice", ({ test }) => {
  test("what a run numbers again after a backup was put back is stored, each batch once", async (scope) => {
    const { send, stored, settled, acked, report, forks, begun } = await start(scope);
    send("r1", 1, 2, 3, 4, 5);
    await settled();
    // Put back to 3: two numbers are another run's, and the third is nobody's yet. What had not been acknowledged comes along.
    send("r1", 2, 3);
    send("r2", 4, 5, 6, 4);
    await settled();
    send("r2", 4, 5, 6);
    await settled();
    assert.equal(stored(), ["r1 1", "r1 2", "r1 3", "r1 4", "r1 5", "r2 4", "r2 5", "r2 6"]);
    for (const name of ["a 4 r1", "a 5 r1", "a 4 r2", "a 5 r2", "a 6 r2"]) assert.ok(acked.has(name), name);
    assert.not(acked.has("a 6 r1"), "nobody has sent it");
    const { stored: count, missing, outstanding, expected } = report();
    assert.equal([count, missing, outstanding.batches, expected], [8, 0, 0, 8]);
    assert.equal(begun, ["a r2"]);
    assert.match(forks.join(), /the outbox of rpi-7 went back to an earlier state, or exists twice/);
  });

  test("two that number at once take nothing from each other, whichever comes first", async (scope) => {
    const { send, stored, settled, report } = await start(scope);
    send("r0", 1, 2);
    send("r1", 3);
    // Both on their way to the store at once.
    send("r2", 3, 4);
    send("r1", 4, 5);
    await settled();
    send("r2", 5, 3);
    send("r1", 3, 6);
    await settled();
    assert.equal(stored(), ["r0 1", "r0 2", "r1 3", "r1 4", "r1 5", "r1 6", "r2 3", "r2 4", "r2 5"]);
    assert.equal([report().stored, report().missing, report().outstanding.batches], [9, 0, 0]);
  });

  test("a store that is away makes no difference", async (scope) => {
    const { send, stored, settled, store, report } = await start(scope);
    send("r1", 1, 2, 3);
    await settled();
    store.away = true;
    send("r2", 2, 3, 4);
    send("r1", 4);
    await settled();
    assert.is(stored().length, 3);
    store.away = false;
    send("r1", 4);
    send("r2", 2, 3, 4);
    await settled();
    assert.equal(stored(), ["r1 1", "r1 2", "r1 3", "r1 4", "r2 2", "r2 3", "r2 4"]);
    assert.equal([report().stored, report().outstanding.batches], [7, 0]);
  });

  test("what the outbox that was put back had to give up is told of the numbers that nobody has", async (scope) => {
    const { take, send, settled, report } = await start(scope);
    send("r1", 1, 2, 5);
    await settled();
    take(batchOf(5, { run: "r2", dt: [], m: [], dropped: { from: 1, to: 4, samples: 4, why: "full" } }));
    await settled();
    assert.equal([report().stored, report().missing, report().outstanding.batches], [3, 2, 0]);
  });

  for (const run of ["r1", undefined]) {
    test(`${run === undefined ? "without a run" : "of the same run"}, what is later than all before is another batch`, async (scope) => {
      const { take, settled, written, clock, report, forks, begun } = await start(scope);
      const send = async (...seqs: number[]): Promise<void> => {
        const t = clock.now();
        // Each comes twice.
        for (const seq of [...seqs, ...seqs]) take(batchOf(seq, { ...(run ? { run } : {}), t: t + seq }));
        await settled();
      };
      await send(1, 2, 3);
      clock.advance(otherBatchAfter - 5_000);
      await send(2);
      assert.equal([written.length, forks.length], [3, 0], "it may be a repetition");
      for (let times = 1; times <= maxReturns; times += 1) {
        clock.advance(otherBatchAfter + 5_000);
        await send(1, 2);
        assert.is(written.length, 3 + times * 2);
      }
      assert.equal([report().stored, report().missing, report().outstanding.batches], [written.length * 3, 0, 0]);
      clock.advance(otherBatchAfter + 5_000);
      await send(1, 2);
      assert.is(written.length, 3 + maxReturns * 2, "it went back once too often");
      assert.ok(forks.every((problem) => problem?.includes("went back to an earlier state")));
      assert.is(begun.length > 0, run !== undefined);
    });
  }

  test("a clock that is ahead makes no other batch of a repetition", async (scope) => {
    const { take, settled, report, clock } = await start(scope);
    for (let times = 0; times < 3; times += 1) {
      take(batchOf(1, { t: Date.UTC(2036, 0, 1) }));
      await settled();
      clock.advance(otherBatchAfter * 2);
    }
    assert.is(report().stored, 3);
  });

  test("without a run a number that comes again is a repetition, as ever", async (scope) => {
    const { take, settled, stored, forks } = await start(scope);
    for (const payload of [batchOf(1), batchOf(1), batchOf(1, { run: "r1" })]) take(payload);
    await settled();
    assert.is(stored().length, 3);
    assert.equal(forks, []);
  });
});

suite("word of an outbox that went back", ({ test }) => {
  const make = (rows: { device: ReturnType<typeof parseDeviceId>; heard: number }[] = []) => {
    const clock = new ManualClock();
    const told: string[] = [];
    const problems: (string | null)[] = [];
    const forks = new Forks({
      rows: { forked: (since) => rows.filter(({ heard }) => heard > since) },
      clock,
      log: silentLog,
      begin: (device, outbox, run) => void told.push(`${device} ${outbox} ${run}`),
      problem: (_, problem) => void problems.push(problem),
    });
    return { clock, forks, told, problems };
  };

  test("each run is told, and again after a while; the device shows it for a day after the last time", () => {
    const { clock, forks, told, problems } = make();
    for (let times = 0; times < 3; times += 1) forks.heard(rpi, "a", "r2", "again");
    forks.heard(rpi, "a", "r3", "again");
    assert.equal(told, ["rpi-7 a r2", "rpi-7 a r3"]);
    clock.advance(shownFor / 2);
    forks.heard(rpi, "a", "r2", "again");
    assert.is(told.length, 3);
    clock.advance(shownFor - 1);
    assert.ok(problems.at(-1));
    clock.advance(1);
    assert.is(problems.at(-1), null);
  });

  test("a console that was started anew shows what it had seen", () => {
    const now = new ManualClock().now();
    const rows = [
      { device: rpi, heard: now - 1_000 },
      { device: parseDeviceId("rpi-8"), heard: now - shownFor - 1 },
    ];
    const { clock, forks, problems } = make(rows);
    forks.start();
    assert.is(problems.length, 1);
    clock.advance(shownFor);
    assert.is(problems.at(-1), null);
  });

  test("of more runs than are remembered the oldest may be told again", () => {
    const { forks, told } = make();
    for (let at = 0; at <= maxToldRuns; at += 1) forks.heard(rpi, "a", `r${at}`, "again");
    forks.heard(rpi, "a", `r${maxToldRuns}`, "again");
    assert.is(told.length, maxToldRuns + 1);
    forks.heard(rpi, "a", "r0", "again");
    assert.is(told.length, maxToldRuns + 2);
  });
});
