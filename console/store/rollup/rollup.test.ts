import { join } from "node:path";
import * as fc from "fast-check";
import * as assert from "uvu/assert";
import { suite } from "../../../test/suite.ts";
import { killedFile, stepwiseFile, StepwiseFile } from "../stepwise-file.fixture.ts";
import { DayTrimmer } from "./day-trimmer.ts";
import { maxRollupBytes } from "./day-finder.ts";
import { maxSlots, packRollup, rollupOf, unpackRollup } from "./packed-rollup.ts";
import { minute, quarter, RollingUp } from "./rollup.ts";

type Value = number | string | boolean;
/** What numbers come to, the plain way. */
interface Bucket {
  count: number;
  sum: number;
  low: number;
  high: number;
}
/** A day of one measurement: its samples, or what they came to when they went, and what has come since. */
interface Day {
  rows: Map<number, Map<string, Value>>;
  gone?: Map<number, { numbers: Map<string, Bucket>; states: Map<string, Value> }>[];
  hasMinutes: boolean;
}
type Model = Map<string, Map<number, Day>>;

const day = 3_600_000;
const steps = [minute, quarter];
const measurements = ["room", "door"];
const fields = ["t", "word"];
const everything = { from: -1e15, to: 1e15 };
const never = -Number.MAX_VALUE;

const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -500, max: 500 }).map((tenths) => tenths / 10) },
  fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((one) => one + 0),
  fc.constantFrom<Value>("open", "shut", true, 2 ** 53 + 2),
);
const burst = fc.record({
  kind: fc.constant("write" as const),
  measurement: fc.constantFrom(...measurements),
  from: fc.integer({ min: 0, max: 1_000 }),
  length: fc.integer({ min: 1, max: 150 }),
  step: fc.integer({ min: 1, max: 30 }),
  fields: fc.subarray(fields, { minLength: 1 }),
  values: fc.array(value, { minLength: 1, maxLength: 9 }),
});
type Burst = typeof burst extends fc.Arbitrary<infer T> ? T : never;
const moment = fc.integer({ min: 0, max: 6 }).map((days) => days * day);
const step = fc.oneof(
  { weight: 6, arbitrary: burst },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pack" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("roll" as const), before: moment, between: fc.option(burst) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("thin" as const), before: moment, most: fc.integer({ min: 1, max: 90 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("coarsen" as const), before: moment }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("kill" as const) }) },
);

function dayOf(model: Model, measurement: string, ts: number): Day {
  const days = model.get(measurement) ?? new Map<number, Day>();
  model.set(measurement, days);
  const first = Math.floor(ts / day) * day;
  const own = days.get(first) ?? { rows: new Map(), hasMinutes: true };
  days.set(first, own);
  return own;
}

function write(
  file: StepwiseFile,
  model: Model,
  { measurement, from, length, step: by, fields: names, values }: Burst,
): void {
  for (let at = 0; at < length; at += 1) {
    const ts = (from + at * by) * 10_000;
    const row = Object.fromEntries(names.map((name, place) => [name, values[(at + place) % values.length]!]));
    file.write(measurement, ts, row);
    const { rows } = dayOf(model, measurement, ts);
    rows.set(ts, new Map([...(rows.get(ts) ?? []), ...Object.entries(row)]));
  }
}

/** What the samples of a day come to, in addition to what there was. */
function roll(own: Day): void {
  own.gone ??= [new Map(), new Map()];
  for (const [at, buckets] of own.gone.entries())
    for (const [ts, row] of [...own.rows].toSorted(([a], [b]) => a - b)) {
      const slot = Math.floor(ts / steps[at]!) * steps[at]!;
      const its = buckets.get(slot) ?? { numbers: new Map<string, Bucket>(), states: new Map<string, Value>() };
      buckets.set(slot, its);
      for (const [name, one] of row)
        if (typeof one === "number") {
          const { count, sum, low, high } = its.numbers.get(name) ?? { count: 0, sum: 0, low: one, high: one };
          its.numbers.set(name, {
            count: count + 1,
            sum: sum + one,
            low: Math.min(low, one),
            high: Math.max(high, one),
          });
        } else its.states.set(name, one);
    }
  own.rows = new Map();
}

/** Days of a measurement as the file has them marked. */
function marked(file: StepwiseFile, where: string): { measurement: string; first: number; series: number }[] {
  const days = file.database.prepare(
    `SELECT measurement, first, series FROM days JOIN series ON series = id WHERE ${where}`,
  );
  return days.all() as { measurement: string; first: number; series: number }[];
}

function thin(file: StepwiseFile, model: Model, until: number, most: number): void {
  const trimmer = new DayTrimmer(file.database, 10);
  for (const { measurement, first } of marked(file, `samples > 0 AND until <= ${until}`))
    roll(dayOf(model, measurement, first));
  for (const { series } of marked(file, "TRUE"))
    while (trimmer.letGo(series, { samples: until, minutes: never, quarters: never }, most).cost === most)
      // Whoever reads in the middle of it sees what is there to stay.
      if (most === 1) assertSame(file, model);
}

function coarsen(file: StepwiseFile, model: Model, until: number): void {
  const trimmer = new DayTrimmer(file.database, 10);
  for (const { measurement, first, series } of marked(file, `minutes > 0 AND until <= ${until}`)) {
    dayOf(model, measurement, first).hasMinutes = false;
    trimmer.letGo(series, { samples: never, minutes: until, quarters: never }, 1e9);
  }
}

type Wanted = Map<number, Bucket>;

function wantedOf(model: Model, measurement: string, field: string, every: number): Wanted {
  const slots: Wanted = new Map();
  const add = (ts: number, one: Bucket): void => {
    const slot = Math.floor(ts / every) * every;
    const { count, sum, low, high } = slots.get(slot) ?? { count: 0, sum: 0, low: one.low, high: one.high };
    slots.set(slot, {
      count: count + one.count,
      sum: sum + one.sum,
      low: Math.min(low, one.low),
      high: Math.max(high, one.high),
    });
  };
  for (const own of model.get(measurement)?.values() ?? []) {
    for (const [ts, row] of own.rows) {
      const one = row.get(field);
      if (typeof one === "number") add(ts, { count: 1, sum: one, low: one, high: one });
    }
    for (const [ts, { numbers }] of own.gone?.[own.hasMinutes ? 0 : 1] ?? []) {
      const one = numbers.get(field);
      if (one) add(ts, one);
    }
  }
  return new Map([...slots].toSorted(([a], [b]) => a - b));
}

/** All that there is of a field: samples, and of days whose samples have gone the means and the last states of each step. */
function pointsOf(model: Model, measurement: string, field: string): [number, Value][] {
  const points: [number, number, Value][] = [];
  for (const own of model.get(measurement)?.values() ?? []) {
    for (const [ts, row] of own.rows) if (row.has(field)) points.push([ts, 2, row.get(field)!]);
    for (const [ts, { numbers, states }] of own.gone?.[own.hasMinutes ? 0 : 1] ?? []) {
      const number = numbers.get(field);
      if (number) points.push([ts, 0, number.sum / number.count]);
      if (states.has(field)) points.push([ts, 1, states.get(field)!]);
    }
  }
  return points.toSorted(([a, first], [b, second]) => a - b || first - second).map(([ts, , one]) => [ts, one]);
}

function assertSame(file: StepwiseFile, model: Model): void {
  for (const measurement of measurements)
    for (const field of fields) {
      const what = `${measurement} ${field}`;
      for (const every of [minute, 5 * minute, quarter, 4 * quarter]) {
        const {
          times,
          values,
          lows = [],
          highs = [],
        } = file.read({ measurement, field, ...everything, every, extremes: true });
        const wanted = wantedOf(model, measurement, field, every);
        assert.equal(
          Array.from(times, (ts, at) => [ts, lows[at], highs[at]]),
          [...wanted].map(([ts, { low, high }]) => [ts, low, high]),
          `${what} ${every}`,
        );
        for (const [at, { sum, count, low, high }] of [...wanted.values()].entries())
          assertClose(values[at]!, sum / count, Math.max(Math.abs(low), Math.abs(high)), `${what} ${every}`);
      }
      const { series } = file.ask({ measurement, field, ...everything, every: 0 });
      const points = pointsOf(model, measurement, field);
      const found = Array.from(series[0]?.times ?? [], (ts, at): [number, Value] => [ts, series[0]!.values[at]!]);
      assert.equal(found.map(shape), points.map(shape), what);
      for (const [at, [, one]] of points.entries())
        if (typeof one === "number") assertClose(found[at]![1], one, 1e16, what);
      const gone = [...(model.get(measurement) ?? [])].filter(([, own]) => own.gone);
      assert.equal(
        series[0]?.thinned?.reduce((sum, { from, to }) => sum + to - from, 0) ?? 0,
        points.length > 0 ? gone.length * day : 0,
      );
    }
}

/** A mean is as exact as the order in which it was added up. */
const shape = ([ts, one]: [number, Value]): unknown => [ts, typeof one === "number" ? "number" : one];

function assertClose(found: Value, wanted: number, magnitude: number, what: string): void {
  assert.ok(Math.abs(Number(found) - wanted) <= magnitude * 1e-12 + Number.MIN_VALUE, `${what}: ${found} ${wanted}`);
}

suite("roll-ups of the embedded store", ({ test }) => {
  test(
    "written, late, packed, rolled up, thinned and killed at any moment: it says what plain buckets say",
    async (scope) => {
      const directory = await scope.directory();
      let count = 0;
      fc.assert(
        fc.property(fc.array(step, { maxLength: 16 }), (all) => {
          let file = new StepwiseFile(join(directory, `${(count += 1)}.db`));
          const model: Model = new Map();
          try {
            for (const one of all) {
              if (one.kind === "write") write(file, model, one);
              else if (one.kind === "pack") file.packAll({ span: day });
              else if (one.kind === "roll") {
                const found = file.lookForDays({ day, before: one.before });
                if (one.between) write(file, model, one.between);
                for (const its of found) {
                  const own = [...marked(file, "samples = 0")].find(
                    ({ series, first }) => series === its.series && first === its.first,
                  );
                  if (file.putDay(its) && own) roll(dayOf(model, own.measurement, own.first));
                }
              } else if (one.kind === "thin") thin(file, model, one.before, one.most);
              else if (one.kind === "coarsen") coarsen(file, model, one.before);
              else file = killedFile(file, join(directory, `${(count += 1)}.db`));
            }
            assertSame(file, model);
            for (const its of file.lookForDays({ day })) file.putDay(its);
            assert.equal(file.lookForDays({ day }), []);
            if (marked(file, "samples = 0").length === 0) assertSame(file, model);
            const { minutes, quarters } = file.database.prepare("SELECT * FROM rollup_bytes").get() as Record<
              string,
              number
            >;
            const kept = file.database.prepare("SELECT COALESCE(SUM(length(data)), 0) AS bytes FROM rollups").get();
            assert.is((kept as { bytes: number }).bytes, minutes! + quarters!);
          } finally {
            file.close();
          }
        }),
        { numRuns: 25 },
      );
    },
    { seconds: 60 },
  );

  test("what is packed is what was rolled up", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: day }), value), { maxLength: 300 }), (points) => {
        const sink = new RollingUp(0, minute);
        for (const [ts, one] of points.toSorted(([a], [b]) => a - b)) sink.add(ts, one);
        const rolled = sink.done();
        const again = rollupOf(unpackRollup(packRollup(rolled)));
        assert.equal([...again.states], [...rolled.states]);
        for (const [at, { count, sum, low, high }] of rolled.numbers) {
          const other = again.numbers.get(at)!;
          assert.equal([other.count, other.low, other.high], [count, low, high]);
          assertClose(other.sum, sum, count * Math.max(Math.abs(low), Math.abs(high)), "sum");
        }
      }),
      { numRuns: 50 },
    );
  });

  test("a roll-up that does not read costs itself, and is told", async (scope) => {
    const file = await stepwiseFile(scope);
    for (let at = 0; at < 720; at += 1) file.write("room", at * 10_000, { t: at, word: "open" });
    for (const found of file.lookForDays({ day })) assert.ok(file.putDay(found));
    const { series } = file.database.prepare("SELECT id AS series FROM series").get() as { series: number };
    new DayTrimmer(file.database, 10).letGo(series, { samples: day, minutes: never, quarters: never }, 1e9);
    file.database.exec(`UPDATE rollups SET data = zeroblob(20) WHERE field = 't' AND step = ${minute}`);
    const answer = file.ask({ every: minute });
    assert.is(answer.series[0]?.times.length, 60, "of the day that has its samples these");
    assert.equal(
      answer.damaged?.map(({ first, why }) => [first, why]),
      [0, day].map((first) => [first, "t: its checksum does not fit"]),
    );
    assert.is(file.read({ every: quarter }).times.length, 8);
    assert.is(file.read({ field: "word" }).times.length, 60 + 360);
  });

  test("a count that is damaged asks for no room, and long texts are not rolled up", async (scope) => {
    const many = new Map(Array.from({ length: maxSlots + 1 }, (_, at) => [at, true]));
    assert.throws(() => unpackRollup(packRollup({ numbers: new Map(), states: many })), /1441 steps/);
    const file = await stepwiseFile(scope);
    const word = "x".repeat(maxRollupBytes / 50);
    for (let at = 0; at < 60; at += 1) file.write("room", at * minute, { t: at, word: `${at}${word}` });
    const [found] = file.lookForDays({ day });
    assert.equal(found?.rollups.map(({ step: length, field }) => `${field} ${length}`).sort(), [
      `t ${minute}`,
      `t ${quarter}`,
      `word ${quarter}`,
    ]);
    // What was a number among them is not lost by it, neither while its samples are there nor afterwards.
    const other = await stepwiseFile(scope);
    for (let at = 0; at < 60; at += 1)
      other.write("room", at * minute, { t: at, word: at === 30 ? 7 : `${at}${word}` });
    for (const one of other.lookForDays({ day })) assert.ok(other.putDay(one));
    assert.equal(other.read({ field: "word", every: minute }).values, new Float64Array([7]));
    new DayTrimmer(other.database, 10).letGo(1, { samples: day, minutes: never, quarters: never }, 1e9);
    assert.is(other.read({ field: "word" }).times.length, 5, "of each quarter the last text, and a number");
    assert.is(other.read().times.length, 60);
  });

  test("of a series with many days none is left half gone", async (scope) => {
    const file = await stepwiseFile(scope);
    for (let at = 0; at < 205; at += 1) file.write("room", at * day, { t: at });
    for (const found of file.lookForDays({ day })) assert.ok(file.putDay(found));
    const trimmer = new DayTrimmer(file.database, 10);
    while (trimmer.letGo(1, { samples: 210 * day, minutes: never, quarters: never }, 1e6).cost === 1e6);
    assert.equal(marked(file, "samples > 0"), []);
    while (trimmer.letGo(1, { samples: never, minutes: 210 * day, quarters: 210 * day }, 1e6).cost === 1e6);
    assert.is(file.count("days"), 0);
  });
});
