import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { maxSpread } from "#shared/messages/batch-check";
import { readBatch } from "#shared/messages/batch-reading";
import { commonNames } from "#shared/messages/common-names";
import { fillDisk, smallDisk } from "../../../test/small-disk.ts";
import { cpuMs } from "../../../test/cpu.ts";
import { eventually, suite } from "../../../test/suite.ts";
import { columns, openOutbox } from "./fixture.ts";

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);
const segments = (directory: string): string[] =>
  readdirSync(join(directory, "outbox")).filter((name) => name.endsWith(".seg"));

for (const kind of ["disk", "memory"] as const) {
  suite(`outbox in ${kind}`, ({ test }) => {
    test("batches are numbered from 1, go out as the protocol says, and leave by acks alone", async (scope) => {
      const one = openOutbox(scope, kind === "disk" ? { directory: await scope.directory() } : {});
      await one.add(...numbers(1, 10));
      one.clock.advance(2_400);
      const queue = one.outbox.queues[0];
      const batch = readBatch(queue?.read(3) ?? Buffer.alloc(0));
      assert.equal(batch, {
        v: 1,
        outbox: one.id,
        seq: 3,
        run: "r1",
        t: one.clock.now() - 2_400,
        epoch: "0000aaaa",
        mono: 0,
        age: 2_400,
        first: 1,
        dt: [0],
        m: [{ n: "room", f: { value: 3 } }],
      });
      const short = queue?.read(3, commonNames.length) ?? Buffer.alloc(0);
      assert.equal(readBatch(short), batch);
      assert.ok(short.length < (queue?.read(3)?.length ?? 0));
      assert.is(one.outbox.ack({ outbox: "another", ranges: [[1, 10]] }), 0);
      assert.is(one.ack([2, 3], [3, 4], [9, 9]), 4);
      assert.equal(one.seqs, [1, 5, 6, 7, 8, 10]);
      assert.is(one.outbox.size.batches, 6);
      assert.is(one.ack([0, Number.MAX_SAFE_INTEGER]), 6);
      assert.equal({ ...one.outbox.size }, { batches: 0, bytes: 0, dropped: 0, gaps: 0 });
    });

    test("hostile acks cost little", async (scope) => {
      const one = openOutbox(scope, kind === "disk" ? { directory: await scope.directory() } : {});
      await one.add(...numbers(1, 5_000));
      const began = cpuMs();
      one.ack(...Array.from({ length: 1_000 }, (_, at): [number, number] => [2 + at, Number.MAX_SAFE_INTEGER - at]));
      one.ack(...Array.from({ length: 1_000 }, (): [number, number] => [Number.MAX_SAFE_INTEGER, 0]));
      assert.ok(cpuMs() - began < 300, `${cpuMs() - began} ms`);
      assert.equal(one.seqs, [1]);
    });

    test("clearing tells one gap with what was in it, which is kept until it is acknowledged", async (scope) => {
      const clock = new ManualClock();
      const one = openOutbox(scope, kind === "disk" ? { directory: await scope.directory() } : {}, clock);
      const since = clock.now();
      await one.add(1, 2);
      clock.advance(5_000);
      await one.add(3);
      one.ack([1, 1]);
      assert.is(one.outbox.clear("cleared by command"), 2);
      await eventually("the gap", () => one.gaps().length === 1);
      const until = clock.now();
      assert.equal(one.gaps(), [{ from: 2, to: 3, samples: 2, since, until, why: "cleared by command" }]);
      assert.equal(one.seqs, [4]);
      assert.is(one.outbox.size.dropped, 2);
      await one.add(5);
      assert.equal(one.seqs, [4, 5]);
      one.ack([4, 4]);
      assert.equal(one.values(), [5]);
    });

    test("a batch too large for a message becomes several; none is lost", async (scope) => {
      const one = openOutbox(scope, kind === "disk" ? { directory: await scope.directory() } : {});
      const m = numbers(1, 400).map((at) => ({ n: `m${at}`, f: { text: "x".repeat(1_000) } }));
      one.outbox.append({ ...columns(one.clock), m });
      await eventually("all parts", () => one.waiting().flatMap((batch) => batch.m).length === 400);
      for (const seq of one.seqs) assert.equal(readBatch(one.outbox.queues[0]?.read(seq) ?? Buffer.alloc(0)).dt, [0]);
    });

    test("a batch that unfolds to too many values becomes several; none is lost", async (scope) => {
      const one = openOutbox(scope, kind === "disk" ? { directory: await scope.directory() } : {});
      const dt = numbers(0, 999);
      const m = numbers(1, maxSpread.values / 1_000 + 1).map((at) => ({ n: `m${at}`, f: { value: 1 } }));
      one.outbox.append({ ...columns(one.clock), dt, m });
      await eventually("both parts", () => one.seqs.length === 2);
      const values = one.waiting().map((batch) => batch.dt.length * batch.m.length);
      assert.is(
        values.reduce((sum, count) => sum + count),
        dt.length * m.length,
      );
      for (const seq of one.seqs) readBatch(one.outbox.queues[0]?.read(seq) ?? Buffer.alloc(0));
    });

    test("a series of too many fields becomes several; no field is lost", async (scope) => {
      const one = openOutbox(scope, kind === "disk" ? { directory: await scope.directory() } : {});
      const f = Object.fromEntries(numbers(0, maxSpread.fieldsOfSeries).map((at) => [`f${at}`, at]));
      one.outbox.append({ ...columns(one.clock), dt: [0], m: [{ n: "wide", tags: { a: "b" }, f }] });
      await eventually("both parts", () => one.seqs.length === 2);
      const parts = one.seqs.map((seq) => readBatch(one.outbox.queues[0]?.read(seq) ?? Buffer.alloc(0)).m[0]);
      assert.equal(Object.assign({}, ...parts.map((part) => part?.f)), f);
      for (const part of parts) assert.equal(part?.tags, { a: "b" });
    });

    test("when the clock is first set, what waits moves along; and the same for all of it", async (scope) => {
      const clock = new ManualClock(3_000);
      const one = openOutbox(scope, kind === "disk" ? { directory: await scope.directory() } : {}, clock);
      await one.add(1);
      clock.advance(60_000);
      await one.add(2);
      const set = Date.UTC(2026, 5, 1);
      clock.setWall(set);
      assert.equal(
        one.waiting().map(({ t }) => t),
        [set - 60_000, set],
      );
      clock.advance(10);
      clock.setWall(clock.now() + 900);
      assert.equal(
        one.waiting().map(({ t }) => t),
        [set - 60_000, set],
        "less than a second is no step",
      );
    });
  });
}

suite("outbox on the disk", ({ test }) => {
  test("numbers and id go on across restarts, also when everything was acknowledged", async (scope) => {
    const directory = await scope.directory();
    const first = openOutbox(scope, { directory });
    const { id } = first;
    await first.add(1, 2, 3);
    first.ack([1, 2]);
    await first.outbox.close();
    const second = openOutbox(scope, { directory });
    assert.is(second.id, id);
    assert.ok(second.values().includes(3));
    await second.add(4);
    assert.is(second.seqs.at(-1), 4);
    second.ack([1, 4]);
    await second.outbox.close();
    for (const next of [5, 6]) {
      const again = openOutbox(scope, { directory });
      assert.is(again.id, id);
      assert.equal(again.values(), [], "nothing is sent again after a clean end");
      await again.add(next);
      assert.equal(again.seqs, [next]);
      again.ack([next, next]);
      await again.outbox.close();
      assert.is(segments(directory).length, 1);
    }
  });

  test("without its files the numbers are unknown, so the id is a new one", async (scope) => {
    const directory = await scope.directory();
    const first = openOutbox(scope, { directory });
    await first.add(1);
    await first.outbox.close();
    rmSync(join(directory, "outbox"), { recursive: true });
    const second = openOutbox(scope, { directory });
    assert.is.not(second.id, first.id);
    await second.add(1);
    assert.equal(second.seqs, [1]);
  });

  test("files go with their last batch, and what a kill repeats of an emptied one is little", async (scope) => {
    const directory = await scope.directory();
    const one = openOutbox(scope, { directory });
    for (let turn = 0; turn < 40; turn++) {
      await one.add(...numbers(turn * 10 + 1, turn * 10 + 10));
      one.ack([1, turn * 10 + 10]);
    }
    assert.is(segments(directory).length, 1);
    const killed = openOutbox(scope, { directory });
    assert.ok(killed.seqs.length <= 80, String(killed.seqs.length));
    await killed.add(401);
    assert.is(killed.seqs.at(-1), 401);
  });

  test("a time that was corrected stays the same when it is sent again after a kill", async (scope) => {
    const directory = await scope.directory();
    const clock = new ManualClock(3_000);
    const one = openOutbox(scope, { directory }, clock);
    await one.add(1);
    clock.advance(60_000);
    clock.setWall(Date.UTC(2026, 5, 1));
    const t = one.waiting()[0]?.t;
    clock.advance(5_000);
    clock.setWall(clock.now() + 700);
    const killed = openOutbox(scope, { directory }, clock);
    assert.is(killed.waiting()[0]?.t, t);
    assert.is(killed.waiting()[0]?.age, 65_000);
    const epoch = { id: "0000bbbb", machine: true };
    const rebooted = openOutbox(scope, { directory, epoch }, new ManualClock());
    assert.is(rebooted.waiting()[0]?.t, 3_000, "the console alone can place what another boot has left");
    assert.is(rebooted.waiting()[0]?.age, undefined);
  });

  test("an uptime that went back within one boot moves nothing: what waits keeps its time, this run and the next", async (scope) => {
    const directory = await scope.directory();
    const clock = new ManualClock(Date.UTC(2026, 5, 1));
    clock.advance(9_000_000);
    const one = openOutbox(scope, { directory }, clock);
    await one.add(1);
    await one.outbox.close();
    const { t } = one.waiting()[0]!;
    for (const run of ["r2", "r3"]) {
      const restarted = new ManualClock(clock.now() + 60_000);
      const again = openOutbox(scope, { directory, run }, restarted);
      await again.add(run);
      const [first] = again.waiting();
      assert.equal([first?.t, first?.age], [t, undefined], "it is the console that can place it");
      assert.is(again.waiting().at(-1)?.epoch, run);
      await again.outbox.close();
    }
  });

  test("a full disk: batches wait in memory, it is said once, and when there is room they go to the disk again", async (scope) => {
    const directory = await smallDisk(scope);
    const errors: string[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (_: object, text: string) => void errors.push(text) };
    const one = openOutbox(scope, { directory, log });
    await one.add(1);
    const filler = fillDisk(directory);
    for (let at = 2; at <= 40; at++) {
      await one.add(`${at} ${"x".repeat(300)}`);
      one.clock.advance(1_000);
    }
    assert.match(one.outbox.size.problem ?? "", /ENOSPC/);
    assert.is(errors.filter((text) => text.includes("takes no batches")).length, 1);
    assert.is(one.outbox.queues.length, 2);
    assert.is(one.values().length, 40, "none is lost");
    rmSync(filler);
    one.clock.advance(5_000);
    await one.add(41);
    assert.is(one.outbox.size.problem, undefined);
    await one.outbox.close();
    const again = openOutbox(scope, { directory });
    const kept = again.values().map((value) => Number.parseInt(String(value), 10));
    assert.ok(kept.includes(1) && kept.includes(41), String(kept));
    const { seqs } = again;
    assert.equal(
      seqs,
      [...new Set(seqs)].sort((a, b) => a - b),
    );
    for (const batch of again.waiting()) assert.is(batch.outbox, one.id);
  });

  test("a disk that is full from the start does not keep the agent from starting", async (scope) => {
    const directory = await smallDisk(scope);
    const filler = fillDisk(directory);
    const one = openOutbox(scope, { directory });
    await one.add(1);
    assert.match(one.outbox.size.problem ?? "", /ENOSPC/);
    rmSync(filler);
    one.clock.advance(5_000);
    await one.add(2);
    assert.is(one.outbox.size.problem, undefined);
    assert.is(one.values().length, 2);
  });
});
