import { join } from "node:path";
import * as fc from "fast-check";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { House } from "../../test/damage.ts";
import { suite } from "../../test/suite.ts";
import { deviceOfFile as device, killedFile, stepwiseFile, StepwiseFile } from "./stepwise-file.fixture.ts";
import { maxStretchFields, maxStretchText, minStretchRows, stretchSpan } from "./stretch-finder.ts";
import { maxLate } from "./stretch-writer.ts";
import { maxStretchRows } from "./stretch/packed-column.ts";
import { Trimming } from "./trimming.ts";

/** What the store is to hold: of each measurement, at each time, the fields. */
type Model = Map<string, Map<number, Map<string, number | string | boolean>>>;

const measurements = ["room", "door"];
const fieldNames = ["t", "on", "word", "constructor", 'a "b"\\', "ü"];
const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -500, max: 500 }).map((tenths) => tenths / 10) },
  // So many of them that none of their sums is beyond the greatest number.
  fc.double({ min: -1e300, max: 1e300, noNaN: true }).map((one) => one + 0),
  fc.boolean(),
  fc.constantFrom("open", "shut", "", 2 ** 53 + 2, -(2 ** 62), 1e300),
);
const burst = fc.record({
  kind: fc.constant("write" as const),
  measurement: fc.constantFrom(...measurements),
  // Two spans of a stretch, on a grid, so that much is written again.
  from: fc.integer({ min: 0, max: 1_400 }),
  length: fc.integer({ min: 1, max: 120 }),
  step: fc.integer({ min: 1, max: 4 }),
  fields: fc.uniqueArray(fc.constantFrom(...fieldNames), { minLength: 1, maxLength: 3 }),
  values: fc.array(value, { minLength: 1, maxLength: 9 }),
});
const step = fc.oneof(
  { weight: 5, arbitrary: burst },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("pack" as const), between: fc.option(burst) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("kill" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("delete" as const), measurement: fc.constantFrom(...measurements) }),
  },
);
type Burst = typeof burst extends fc.Arbitrary<infer T> ? T : never;

function write(file: StepwiseFile, model: Model, { measurement, from, length, step: by, fields, values }: Burst): void {
  for (let at = 0; at < length; at += 1) {
    const ts = (from + at * by) * 10_000;
    const row = Object.fromEntries(fields.map((field, place) => [field, values[(at + place) % values.length]!]));
    file.write(measurement, ts, row);
    const rows = model.get(measurement) ?? new Map<number, Map<string, number | string | boolean>>();
    const known = rows.get(ts) ?? new Map<string, number | string | boolean>();
    for (const [field, one] of Object.entries(row)) known.set(field, one);
    model.set(measurement, rows.set(ts, known));
  }
}

function assertSame(file: StepwiseFile, model: Model): void {
  for (const [from, to] of [
    [-1e15, 1e15],
    [2_345_678, 11_111_111],
  ] as const)
    assert.equal(file.last(from, to), lastOf(model, from, to));
  for (const measurement of measurements)
    for (const field of fieldNames) {
      const wanted = [...(model.get(measurement) ?? [])]
        .flatMap(([ts, row]): [number, number | string | boolean][] => (row.has(field) ? [[ts, row.get(field)!]] : []))
        .toSorted(([a], [b]) => a - b);
      const { times, values } = file.read({ measurement, field });
      assert.equal(
        Array.from(times, (ts, at) => [ts, values[at]]),
        wanted,
        `${measurement} ${field}`,
      );
      const [from, to, every] = [2_345_678, 11_111_111, 600_000];
      const means = file.read({ measurement, field, from, to, every, extremes: true });
      assertMeans(means, slotsOf(wanted, { from, to, every }), `${measurement} ${field}`);
    }
}

/** The last values in a time, by the model. */
function lastOf(model: Model, from: number, to: number): unknown {
  return [...model]
    .flatMap(([measurement, rows]) => {
      const last = new Map<string, readonly [number, number | string | boolean]>();
      for (const [ts, row] of [...rows].toSorted(([a], [b]) => a - b))
        if (ts >= from && ts < to) for (const [field, one] of row) last.set(field, [ts, one]);
      return last.size === 0 ? [] : [[measurement, [...last].sort()]];
    })
    .sort();
}

function assertMeans(
  { times, values, lows, highs }: ReturnType<StepwiseFile["read"]>,
  slots: Map<number, number[]>,
  of: string,
) {
  assert.equal(
    Array.from(times, (ts, at) => [ts, lows?.[at], highs?.[at]]),
    [...slots].map(([ts, own]) => [ts, Math.min(...own), Math.max(...own)]),
    of,
  );
  for (const [at, own] of [...slots.values()].entries()) {
    // To how many places depends on the order in which they were added.
    const rounding = own.reduce((sum, one) => sum + Math.abs(one) * 1e-13, Number.MIN_VALUE);
    const mean = own.reduce((sum, one) => sum + one / own.length, 0);
    assert.ok(Math.abs(Number(values[at]) - mean) <= rounding, `${of}: ${values[at]} ${mean}`);
  }
}

function slotsOf(
  points: readonly [number, number | string | boolean][],
  { from, to, every }: { from: number; to: number; every: number },
): Map<number, number[]> {
  const slots = new Map<number, number[]>();
  for (const [ts, one] of points)
    if (typeof one === "number" && ts >= from && ts < to) {
      const slot = Math.floor(ts / every) * every;
      slots.set(slot, [...(slots.get(slot) ?? []), one]);
    }
  return slots;
}

suite("stretches of the embedded store", ({ test }) => {
  test(
    "written, written again, late, packed, deleted and killed at any moment: it holds what a plain map holds",
    async (scope) => {
      const directory = await scope.directory();
      let count = 0;
      fc.assert(
        fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
          let file = new StepwiseFile(join(directory, `${(count += 1)}.db`));
          const model: Model = new Map();
          try {
            for (const one of steps) {
              if (one.kind === "write") write(file, model, one);
              else if (one.kind === "pack") {
                const { found } = file.look();
                if (one.between) write(file, model, one.between);
                for (const stretch of found) file.writer.put(stretch);
              } else if (one.kind === "delete") {
                const where = "WHERE series IN (SELECT id FROM series WHERE measurement = ?)";
                for (const table of ["samples", "stretches"])
                  file.database.prepare(`DELETE FROM ${table} ${where}`).run(one.measurement);
                model.delete(one.measurement);
              } else file = killedFile(file, join(directory, `${(count += 1)}.db`));
            }
            assertSame(file, model);
            file.packAll();
            assertSame(file, model);
            if (file.count("stretches") === 0) assert.is(file.count("stretch_fields"), 0);
          } finally {
            file.close();
          }
        }),
        { numRuns: 25 },
      );
    },
    { seconds: 60 },
  );

  test("the newest row stays one, and so do a few, and those that are not over; a pass finds nothing twice", async (scope) => {
    const file = await stepwiseFile(scope);
    for (let at = 0; at < 100; at += 1) file.write("room", at * 10_000, { t: at });
    file.packAll();
    assert.is(file.count("samples"), 1);
    for (let at = 0; at < minStretchRows - 1; at += 1) file.write("door", at, { t: 1 });
    file.write("door", stretchSpan, { t: 1 });
    file.packAll();
    assert.is(file.count("samples"), 1 + minStretchRows);
    file.write("door", minStretchRows - 1, { t: 1 });
    assert.equal(file.look({ before: minStretchRows - 1 }).found, []);
    file.packAll();
    assert.is(file.count("samples"), 2);
    assert.equal(file.look(), { found: [], next: undefined });
  });

  test("rows that come late into a stretch are merged with it, and it stays as long as it may be", async (scope) => {
    const file = await stepwiseFile(scope);
    for (let at = 0; at <= maxStretchRows; at += 1) file.write("room", at * 4, { t: at });
    file.packAll();
    assert.is(file.count("stretches"), 1);
    for (let at = 0; at < 500; at += 1) file.write("room", at * 4 + 2, { t: -at, word: "late" });
    for (let at = 0; at < 5; at += 1) file.write("room", at * 4, { t: 7 });
    file.packAll();
    assert.is(file.count("stretches"), 2);
    const { times, values } = file.read();
    assert.equal(
      [times.length, ...Array.from(values).slice(0, 12)],
      [1_501, 7, -0, 7, -1, 7, -2, 7, -3, 7, -4, 5, -5].map((one) => one + 0),
    );
    assert.is(file.read({ field: "word" }).times.length, 500);
  });

  test("more rows come late into a stretch than are merged at once, and none of them is lost", async (scope) => {
    const file = await stepwiseFile(scope);
    for (let at = 0; at <= 100; at += 1) file.write("room", at * 10, { t: at });
    file.packAll();
    const word = "x".repeat(maxStretchText / 200);
    for (let at = 0; at < 500; at += 1) file.write("room", at, { word });
    // The second lot as the same look would have found it, had the first not been there.
    const { found } = file.look();
    const again = file.look({ from: found[0]!.last + 1 }).found;
    assert.equal([found.length, again.length], [1, 1]);
    assert.equal(
      [...found, ...again].map((one) => file.writer.put(one)),
      [true, false],
    );
    assert.is(file.read({ field: "word" }).times.length, 500);
    file.packAll();
    assert.is(file.read({ field: "word" }).times.length, 500);
    assert.is(file.read().times.length, 101);
    assert.is(file.count("samples"), 1);
  });

  test("a row that came late into a stretch is let go of together with it: nothing old is told again", async (scope) => {
    const file = await stepwiseFile(scope);
    for (let at = 0; at <= 100; at += 1) file.write("room", at * 10, { t: at });
    file.packAll();
    file.write("room", 100, { t: -1 });
    file.write("room", -5, { t: -2 });
    const clock = new ManualClock(600);
    const trimming = new Trimming({ maxAge: 100, maxBytes: 1e9, clock, log: silentLog });
    trimming.begin(file.database);
    trimming.nowAndThen();
    assert.equal([...file.read({ to: 110 }).values], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1]);
    clock.advance(500);
    trimming.nowAndThen();
    clock.advance(60_000);
    trimming.nowAndThen();
    assert.equal([file.count("samples"), file.count("stretches")], [0, 0]);
  });

  test("rows come or go between look and put: nothing is changed, and none is lost", async (scope) => {
    const file = await stepwiseFile(scope);
    const changes: (() => unknown)[] = [
      () => file.write("room", 15, { t: 15 }),
      () => file.write("room", 20, { t: -1 }),
      () => file.database.exec("DELETE FROM samples WHERE ts = 30"),
      () => {
        for (let at = 0; at <= maxLate; at += 1) file.writer.wrote(99, at);
      },
    ];
    for (let at = 0; at < 100; at += 1) file.write("room", at * 10, { t: at });
    for (const change of changes) {
      const { found } = file.look();
      change();
      assert.equal(
        found.map((one) => file.writer.put(one)),
        [false],
      );
      assert.is(file.count("stretches"), 0);
    }
    assert.is(file.read().times.length, 100);
    file.packAll();
    const { found } = file.look();
    assert.equal(found, []);
    for (let at = 0; at < 50; at += 1) file.write("room", at * 10 + 1, { t: at });
    const merging = file.look().found;
    file.database.exec("DELETE FROM stretches");
    assert.equal(
      merging.map((one) => file.writer.put(one)),
      [false],
    );
    assert.is(file.count("samples"), 51);
  });

  test("what would be no smaller stays rows: too many fields, long texts", async (scope) => {
    const file = await stepwiseFile(scope);
    for (let at = 0; at < 60; at += 1) {
      const wide = Array.from({ length: maxStretchFields / 50 }, (_, n): [string, number] => [`f${at}.${n}`, 1]);
      file.write("room", at, Object.fromEntries(wide));
      file.write("door", at, { word: `${at}`.padEnd(maxStretchText / 20, "x") });
      file.write("both", at, { ...Object.fromEntries(wide.slice(0, 8)), same: 1 });
    }
    file.packAll();
    assert.is(file.count("stretches"), 0);
  });

  test("however much comes late into a stretch, each stays small, and so does what is written at once", async (scope) => {
    const file = await stepwiseFile(scope);
    const rooms = ["a", "b", "c", "d"];
    const some = minStretchRows + 2;
    const turns = 8;
    let words = 0;
    const word = (turn: number): string => `${turn === 0 ? "same" : (words += 1)}`.padEnd(1_000, "x");
    for (let turn = 0; turn < turns; turn += 1) {
      for (const room of rooms)
        for (let at = 0; at < some; at += 1) {
          const fields = Array.from({ length: 8 }, (_, n): [string, string] => [`f${n}`, word(turn)]);
          file.write(room, at * 100_000 + turn * 1_000, Object.fromEntries(fields));
        }
      if (turn === 0) for (const room of rooms) file.write(room, stretchSpan, { f0: "newest" });
      assert.ok(file.packAll() < 3 * maxStretchText);
    }
    const { most } = file.database
      .prepare(
        "SELECT max(bytes) AS most FROM (SELECT sum(length(data)) AS bytes FROM stretch_fields GROUP BY stretch)",
      )
      .get() as { most: number };
    assert.ok(most < 2 * maxStretchText, `${most} bytes in one`);
    for (const measurement of rooms) assert.is(file.read({ measurement, field: "f7" }).times.length, turns * some);
  });

  test("a row or a stretch that does not read costs itself, and keeps its place", async (scope) => {
    const file = await stepwiseFile(scope);
    for (let at = 0; at < 100; at += 1) file.write("room", at, { t: at });
    file.database.exec(`UPDATE samples SET fields = '{"t' WHERE ts = 7`);
    file.packAll();
    assert.is(file.count("samples"), 2);
    assert.is(file.read().times.length, 99);
    for (let at = 100; at < 140; at += 1) file.write("room", stretchSpan + at, { t: at });
    file.packAll();
    file.database.exec("UPDATE stretch_fields SET data = zeroblob(20) WHERE stretch = 1");
    assert.equal(Array.from(file.read().times).slice(0, 2), [99, stretchSpan + 100]);
    for (let at = 0; at < 50; at += 1) file.write("room", at, { t: -at });
    file.packAll();
    assert.equal(
      file.damaged().map(({ device: whose, first }) => [whose, first]),
      [[device, 0]],
    );
    assert.is(file.count("stretches"), 2);
    assert.is(file.read().times.length, 50 + 1 + 40);
  });

  test("a stretch that does not read is told as damage, once, and all else is answered", async (scope) => {
    const directory = await scope.directory();
    const first = await House.open(directory);
    first.state.database.prepare("INSERT INTO devices (id, first_seen, online) VALUES (?, 0, 0)").run(device);
    await first.close();
    const began = Math.floor(Date.now() / stretchSpan) * stretchSpan - 2 * stretchSpan;
    const file = new StepwiseFile(join(directory, "metrics.db"));
    for (let at = 0; at < 200; at += 1) file.write("room", began + at * 60_000, { t: at, word: "open" });
    file.packAll();
    file.database.exec("UPDATE stretch_fields SET data = zeroblob(20) WHERE stretch = 1 AND field = 't'");
    file.close();

    const asked = `from=${began}&to=${began + 2 * stretchSpan}&measurement=room`;
    for (const _ of ["a start", "another"]) {
      const house = await House.open(directory);
      scope.cleanup(() => house.close());
      const points = async (more: string): Promise<number | undefined> => {
        const { status, body } = await house.ask(`/api/devices/${device}/metrics?${asked}&${more}`);
        assert.is(status, 200);
        return (body as { series: { points: unknown[] }[] }).series[0]?.points.length;
      };
      assert.equal([await points("field=t&every=0"), await points("field=t&every=60s")], [80, 80]);
      assert.is(await points("field=word&every=0"), 200);
      const { damaged } = (await house.ask("/api/damage")).body as { damaged: { place: string; name: string }[] };
      assert.equal(
        damaged.map(({ place, name }) => [place, name.slice(0, 7)]),
        [["stretches", "d1 room"]],
      );
      assert.is(((await house.ask("/healthz")).body as { damaged: number }).damaged, 1);
      await house.close();
    }
  });
});
