import * as assert from "uvu/assert";
import { farthestAhead } from "#shared/arrivals";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import type { Columns } from "../metrics/to-columns.ts";
import { rowsOf } from "./fixture.ts";
import { Intake } from "./intake.ts";

function intake(clock: ManualClock): { intake: Intake; batches: Columns[] } {
  const batches: Columns[] = [];
  return { intake: new Intake({ clock, emit: (columns) => void batches.push(columns) }), batches };
}

const sample = (value: number, ts?: number) => ({
  measurement: "room",
  values: { temperature: value },
  ...(ts === undefined ? {} : { ts }),
});

suite("the intake of other programs' samples", ({ test }) => {
  test("hands them over a second after the first, then waits for the next first", () => {
    const clock = new ManualClock();
    const { intake: one, batches } = intake(clock);
    one.add(sample(1));
    clock.advance(900);
    one.add(sample(2));
    assert.is(batches.length, 0);
    clock.advance(100);
    assert.is(batches.length, 1);
    clock.advance(60_000);
    assert.is(batches.length, 1);
    one.add(sample(3));
    one.stop();
    assert.equal(
      rowsOf(batches).map(({ value }) => value),
      [1, 2, 3],
    );
  });

  test("tells a time as it was told, and where that was on the machine's uptime", () => {
    const clock = new ManualClock();
    const start = clock.now();
    const { intake: one, batches } = intake(clock);
    clock.advance(500);
    one.add(sample(1, start - 4_500));
    one.add(sample(2));
    one.stop();
    assert.equal(
      rowsOf(batches).map(({ at, value }) => [at - start, value]),
      [
        [-4_500, 1],
        [500, 2],
      ],
    );
    assert.is(batches[0]?.mono, -4_500);
  });

  test("a time by a better clock than the machine's own counts as now, for the console to set right", () => {
    const clock = new ManualClock(60_000);
    const { intake: one, batches } = intake(clock);
    one.add(sample(1, Date.UTC(2026, 0, 1)));
    one.stop();
    assert.equal([batches[0]?.t, batches[0]?.mono], [60_000, 0]);
  });

  test("a step of the wall clock moves no sample against the others", () => {
    const clock = new ManualClock(60_000);
    const { intake: one, batches } = intake(clock);
    one.add(sample(1));
    clock.advance(10);
    clock.setWall(Date.UTC(2026, 0, 1));
    one.add(sample(2));
    one.stop();
    assert.equal(
      batches.map(({ t, mono }) => [t, mono]),
      [
        [60_000, 0],
        [Date.UTC(2026, 0, 1), 10],
      ],
    );
  });

  test("samples of one series without a time get a millisecond each; those of others share it", () => {
    const clock = new ManualClock();
    const start = clock.now();
    const { intake: one, batches } = intake(clock);
    for (let value = 1; value <= 3; value += 1) one.add(sample(value));
    one.add(sample(4, start + 3));
    one.add(sample(5));
    one.add({ ...sample(6), tags: { floor: "2" } });
    one.stop();
    assert.equal(
      rowsOf(batches).map(({ at, value }) => [at - start, value]),
      [
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
        [4, 5],
        [0, 6],
      ],
    );
  });

  test("also after what it had is handed over, and beyond a second ahead they are refused", () => {
    const clock = new ManualClock();
    const start = clock.now();
    const { intake: one, batches } = intake(clock);
    for (let value = 0; value <= farthestAhead; value += 1) one.add(sample(value));
    assert.throws(() => one.add(sample(1)), /more than 1000 samples of one series in a second .* give each its "ts"/);
    clock.advance(1_000);
    one.add(sample(-1));
    one.stop();
    assert.is(new Set(rowsOf(batches).map(({ at }) => at)).size, farthestAhead + 2);
    assert.is(rowsOf(batches).at(-1)?.at, start + farthestAhead + 1);
  });

  test("another sample of the same time is refused where it says something else, and taken where it repeats or adds", () => {
    const clock = new ManualClock();
    const ts = clock.now() - 1_000;
    const { intake: one, batches } = intake(clock);
    one.add(sample(1, ts));
    one.add(sample(1, ts + 0.4));
    one.add({ measurement: "room", values: { humidity: 40 }, ts });
    assert.throws(
      () => one.add(sample(2, ts)),
      /another sample with the same tags and time .* "temperature": give each its own time/,
    );
    one.stop();
    assert.equal(
      batches.map(({ m }) => m.map(({ f }) => f)),
      [[{ temperature: 1, humidity: 40 }]],
    );
  });
});
