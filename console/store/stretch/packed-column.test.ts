import * as fc from "fast-check";
import * as assert from "uvu/assert";
import type { FieldValue } from "#shared/columns";
import { suite } from "../../../test/suite.ts";
import { DamagedStretchError } from "./byte-reader.ts";
import { maxStretchRows, packColumn, packTimes, unpackColumn, unpackNumbers, unpackTimes } from "./packed-column.ts";
import { maxWhole } from "./packed-wholes.ts";

const double = fc.double();
/** As sensors say them: a few decimal places, near one another. */
const decimal = fc.tuple(fc.integer({ min: -100_000, max: 100_000 }), fc.integer({ min: 0, max: 9 }));
const number = fc.oneof(
  double,
  decimal.map(([whole, places]) => whole / 10 ** places),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, maxWhole, maxWhole + 1, -maxWhole, -maxWhole - 1, Infinity, -Infinity, Number.NaN, 5e-324),
  fc.constantFrom(2 ** 53 + 2, 2 ** 63, Number.MAX_VALUE, 0.1, 0.1 + 0.2, 1e15 + 0.5, 123_456_789.123_456_78),
);
const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom("", "\ud800", "__proto__", "open"));
const inJson = number.filter((value) => Number.isFinite(value) && !Object.is(value, -0));
const many = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.oneof(
    fc.array(one, { maxLength: 60 }),
    // Runs.
    fc
      .array(fc.tuple(one, fc.integer({ min: 1, max: 20 })), { maxLength: 8 })
      .map((runs) => runs.flatMap(([value, length]) => Array.from({ length }, () => value))),
  );
const gaps = <T extends FieldValue>(one: fc.Arbitrary<T>) => many(fc.option(one, { freq: 4 }));
const columns: Readonly<Record<string, fc.Arbitrary<FieldValue[]>>> = {
  "numbers, bit by bit": fc.oneof(many(number), gaps(number)),
  "decimal numbers": many(decimal).chain((some) =>
    fc.integer({ min: 0, max: 9 }).map((places) => some.map(([whole]) => whole / 10 ** places)),
  ),
  counters: fc
    .tuple(fc.maxSafeInteger(), many(fc.nat()))
    .map(([first, steps]) => steps.map((step, at) => Math.round(first / 2) + at * 1_000 + step)),
  "booleans and texts": fc.oneof(many(fc.boolean()), gaps(fc.boolean()), many(text), gaps(text)),
  "values of several types": gaps(fc.oneof(inJson, text, fc.boolean())),
};

function same(one: ArrayLike<FieldValue>, other: ArrayLike<FieldValue>): boolean {
  return one.length === other.length && Array.from(one).every((value, at) => Object.is(value, other[at]));
}

suite("a packed column", ({ test }) => {
  for (const [what, column] of Object.entries(columns))
    test(`gives back what was packed: ${what}`, () => {
      fc.assert(
        fc.property(column, (values) => {
          const packed = packColumn(values);
          assert.ok(same(unpackColumn(packed, values.length), values));
          const numbers = unpackNumbers(packed, values.length);
          const isNumbers = values.every((value) => value === null || typeof value === "number");
          assert.is(numbers !== undefined, isNumbers);
          if (numbers)
            assert.ok(
              same(
                numbers,
                values.map((value) => (value === null ? Number.NaN : value)),
              ),
            );
        }),
        { numRuns: 300 },
      );
    });

  test("times come back, of any age and at any distance", () => {
    const time = fc.integer({ min: -8.64e15, max: 8.64e15 - 8e12 });
    const steps = fc.array(fc.integer({ min: 1, max: 7_200_000 }), { maxLength: 100 });
    fc.assert(
      fc.property(time, steps, (first, apart) => {
        const times = [first];
        for (const step of apart) times.push(times.at(-1)! + step);
        assert.ok(same(unpackTimes(packTimes(times)), times));
      }),
      { numRuns: 300 },
    );
    assert.equal([...unpackTimes(packTimes([]))], []);
    const most = Array.from({ length: maxStretchRows }, (_, at) => at);
    assert.is(unpackTimes(packTimes(most)).length, maxStretchRows);
    assert.throws(() => unpackTimes(packTimes([...most, maxStretchRows])), /1001 times/);
  });

  test("what is regular is small: times every ten seconds, a counter, a gauge in pages, a word", () => {
    const day = Array.from({ length: 720 }, (_, at) => at);
    const sizes = [
      packTimes(day.map((at) => 1.7e12 + at * 10_000)),
      packColumn(day.map((at) => at * 4_096 + 1e9)),
      packColumn(day.map((at) => 4_096 * ((at * 7) % 60))),
      packColumn(day.map(() => "open")),
      packColumn(day.map((at) => ((at * 37) % 100) / 10 + 20)),
      packColumn(day.map(() => 21.5)),
    ].map(({ length }) => length);
    const bounds = [30, 30, 760, 30, 760, 20];
    assert.ok(
      sizes.every((size, at) => size <= bounds[at]!),
      String(sizes),
    );
  });

  test("a byte that was changed, or is missing, is told: never another value", () => {
    const values = [1.5, null, 2.5, 1e300, 7];
    const whole = packColumn(values);
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(whole);
        changed[at]! ^= change;
        for (const bytes of [changed, whole.subarray(0, at)])
          assert.throws(
            () => unpackColumn(bytes, values.length),
            (thrown: unknown) => thrown instanceof DamagedStretchError,
          );
      }),
      { numRuns: 200 },
    );
    // Whole, but of another stretch.
    assert.throws(
      () => unpackColumn(packColumn([1, 2, 3.25e200, 4]), 60),
      (thrown: unknown) => thrown instanceof DamagedStretchError,
    );
  });
});
