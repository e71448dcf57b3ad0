import { readdirSync } from "node:fs";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { eventually, suite } from "../../../test/suite.ts";
import { columns, openOutbox } from "./fixture.ts";

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

suite("bounds of the outbox on the disk", ({ test }) => {
  test("beyond its bytes the oldest leave, as a dated gap that outlives a restart", async (scope) => {
    const directory = await scope.directory();
    const clock = new ManualClock();
    const since = clock.now();
    const one = openOutbox(scope, { directory, maxBytes: 128 * 1024 }, clock);
    for (let turn = 0; turn < 100; turn++) {
      await one.add("x".repeat(4_000));
      clock.advance(10_000);
    }
    await one.outbox.close();
    const again = openOutbox(scope, { directory, maxBytes: 128 * 1024 }, clock);
    const gaps = again.gaps().filter((gap) => gap !== undefined);
    const told = new Set(gaps.flatMap(({ from, to }) => numbers(from, to)));
    const waiting = new Set(again.seqs);
    for (let seq = 1; seq <= Math.max(...waiting); seq++) assert.ok(told.has(seq) !== waiting.has(seq), String(seq));
    assert.is(Math.min(...gaps.map((gap) => gap.since ?? 0)), since);
    const samples = gaps.reduce((sum, gap) => sum + (gap.samples ?? 0), 0);
    assert.is(samples + again.values().length, 100);
    assert.match(gaps[0]?.why ?? "", /full \(131072 bytes\)/);
    assert.ok(again.outbox.size.bytes <= 128 * 1024);
  });

  test("a gap that is forced out itself is told by the next one", async (scope) => {
    const directory = await scope.directory();
    const one = openOutbox(scope, { directory, maxBytes: 64 * 1024 });
    for (let turn = 0; turn < 300; turn++) await one.add("x".repeat(2_000));
    await one.outbox.close();
    const again = openOutbox(scope, { directory, maxBytes: 64 * 1024 });
    const told = new Set(again.gaps().flatMap((gap) => (gap ? numbers(gap.from, gap.to) : [])));
    const waiting = new Set(again.seqs);
    for (let seq = 1; seq <= Math.max(...waiting); seq++) assert.ok(told.has(seq) !== waiting.has(seq), String(seq));
    const samples = again.gaps().reduce((sum, gap) => sum + (gap?.samples ?? 0), 0);
    assert.is(samples + again.values().length, 300);
    assert.ok(again.gaps().length < 40, String(again.gaps().length));
  });

  test("what is too old leaves; a wall clock that steps to 2036 takes nothing along", async (scope) => {
    const directory = await scope.directory();
    const clock = new ManualClock();
    const hour = 3_600_000;
    const one = openOutbox(scope, { directory, maxAge: 16 * hour }, clock);
    for (let at = 0; at < 24; at++) {
      clock.advance(hour);
      await one.add(at);
    }
    const kept = one.values().map(Number);
    assert.ok(Math.min(...kept) >= 23 - 17 && Math.min(...kept) <= 23 - 14, String(kept));
    assert.match(one.gaps()[0]?.why ?? "", /older than the outbox keeps \(57600 s\)/);
    await one.outbox.close();
    clock.setWall(Date.UTC(2036, 0, 1));
    const again = openOutbox(scope, { directory, maxAge: 16 * hour }, clock);
    await again.add(24);
    assert.equal(again.values().map(Number), [...kept, 24]);
    const rebooted = new ManualClock(Date.UTC(2036, 0, 1));
    await again.outbox.close();
    const epoch = { id: "0000bbbb", machine: true };
    const later = openOutbox(scope, { directory, maxAge: 16 * hour, epoch }, rebooted);
    await later.add(25);
    assert.equal(later.values().map(Number), [...kept, 24, 25]);
    rebooted.advance(17 * hour);
    await later.add(26);
    await eventually("the old ones gone", () => later.values().length <= 2);
  });
});

suite("an uptime that counts from somewhere else", ({ test }) => {
  test("takes nothing along that is young by the wall clock, within an epoch and across two", async (scope) => {
    for (const epoch of ["0000aaaa", "0000aaaa-4026532500"]) {
      const directory = await scope.directory();
      const maxAge = 7 * 86_400_000;
      const clock = new ManualClock();
      const one = openOutbox(scope, { directory, maxAge }, clock);
      await one.add(1, 2, 3);
      await one.outbox.close();
      const jumped = new ManualClock(clock.now() - 8 * 86_400_000);
      jumped.advance(8 * 86_400_000 + 10_000);
      const options = { directory, maxAge, run: "r2", epoch: { id: epoch, machine: true } };
      const again = openOutbox(scope, options, jumped);
      await again.add(4);
      assert.equal(again.values(), [1, 2, 3, 4]);
      assert.equal(again.gaps(), []);
    }
  });
});

suite("samples of long ago in the outbox", ({ test }) => {
  test("are as young as the moment when they were kept, also after a restart", async (scope) => {
    const directory = await scope.directory();
    const clock = new ManualClock();
    const one = openOutbox(scope, { directory }, clock);
    const month = 30 * 86_400_000;
    for (let value = 1; value <= 20; value++)
      one.outbox.append({
        t: clock.now() - month,
        mono: clock.uptime() - month,
        dt: [0, 1_000],
        m: [{ n: "room", f: { value: [value, null], other: [null, null] } }],
      });
    await eventually("all of them", () => one.values().length === 20);
    const files = readdirSync(`${directory}/outbox`).filter((name) => /^\d+/.test(name));
    assert.is(files.length, 1, String(files));
    await one.outbox.close();
    const again = openOutbox(scope, { directory }, clock);
    await again.add(21);
    assert.is(again.values().length, 21);
    again.outbox.clear("cleared by command");
    await eventually("the gap", () => again.gaps().length > 0);
    assert.is(again.gaps()[0]?.samples, 21, "one value of the two instants each");
  });
});

suite("bounds of the outbox in memory", ({ test }) => {
  test("beyond its bytes the oldest leave, and few gaps tell it", async (scope) => {
    const one = openOutbox(scope, { maxBytes: 1024 * 1024 });
    for (let at = 1; at <= 3_000; at++) one.outbox.append(columns(one.clock, "x".repeat(1_000)));
    assert.ok(one.outbox.size.bytes <= 1024 * 1024);
    const told = new Set(one.gaps().flatMap((gap) => (gap ? numbers(gap.from, gap.to) : [])));
    const waiting = new Set(one.seqs);
    for (let seq = 1; seq <= Math.max(...waiting); seq++) assert.ok(told.has(seq) !== waiting.has(seq), String(seq));
    assert.is(one.gaps().reduce((sum, gap) => sum + (gap?.samples ?? 0), 0) + one.values().length, 3_000);
    assert.ok(one.gaps().length <= 32, String(one.gaps().length));
  });
});
