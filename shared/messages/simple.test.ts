import * as assert from "uvu/assert";
import { encode } from "#shared/codec";
import { BadInputError } from "#shared/errors";
import { maxTagValueLength, maxSpread, maxTags } from "#shared/messages/batch-check";
import { maxFieldDepth, maxArrayLength, maxOdd } from "#shared/messages/flatten";
import { readMoment } from "#shared/messages/moments";
import { isMeasurement, isName, maxNameLength } from "#shared/messages/names";
import { maxLevels, readPlace } from "#shared/messages/sample-place";
import { maxSamples, namedValue, BareValueError, readSimple, type SimpleSample } from "#shared/messages/simple";
import { suite } from "../../test/suite.ts";

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const one = (value: unknown): SimpleSample | undefined => readSimple(json(value)).samples[0];
const odd = (value: unknown): string[] => readSimple(json(value)).odd.map(({ field, got }) => `${field}: ${got}`);

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.instance(error, BadInputError);
    return (error as Error).message;
  }
  return assert.unreachable("it was taken") as never;
}

const names: readonly (readonly [name: string, isName: boolean])[] = [
  ["temperature", true],
  ["Wärme °C", true],
  ["a & b * c, d = e", true],
  ['"', true],
  ["'", true],
  ["a\\b", true],
  [" a ", true],
  ["_a", true],
  ["-", true],
  ["温度", true],
  ["🌡", true],
  ["x".repeat(maxNameLength), true],
  ["x".repeat(maxNameLength + 1), false],
  ["ü".repeat(maxNameLength + 1), false],
  ["", false],
  ["a\nb", false],
  ["\t", false],
  ["\u007f", false],
  ["\u0085", false],
  ["a\\", false],
  ["a\\ b", false],
  ["a\\,b", false],
  ["a\\=b", false],
  ['a\\"b', false],
  ["\ud83c", false],
];

const at = Date.UTC(2025, 0, 1);
const moments: readonly (readonly [value: unknown, read: ReturnType<typeof readMoment>])[] = [
  [1_735_689_600, { at, unit: "s" }],
  [1_735_689_600.04, { at: at + 40, unit: "s" }],
  [1_735_689_600_000, { at, unit: "ms" }],
  [1_735_689_600_000_999, { at, unit: "us" }],
  [1_735_689_600_000_123_456n, { at, unit: "ns" }],
  [Number("1735689600000123456"), { at, unit: "ns" }],
  ["1735689600", { at, unit: "s" }],
  ["1735689600000", { at, unit: "ms" }],
  ["1735689600000999", { at, unit: "us" }],
  ["1735689600000999999", { at, unit: "ns" }],
  // Where the units begin and end.
  [1e9 - 1, "unset"],
  [1e9, { at: 1e12, unit: "s" }],
  [1e10 - 1, { at: 1e13 - 1_000, unit: "s" }],
  [1e13 - 1, { at: 1e13 - 1, unit: "ms" }],
  [1e13, undefined],
  [1e15 - 1, undefined],
  [1e15, { at: 1e12, unit: "us" }],
  [1e16, undefined],
  [1e18, { at: 1e12, unit: "ns" }],
  [1e19, undefined],
  // A clock that begins in 2000.
  [946_684_800_000, { at: Date.UTC(2000, 0, 1), unit: "ms" }],
  [0, "unset"],
  [60_000, "unset"],
  ["60", "unset"],
  [-1, undefined],
  [Number.NaN, undefined],
  [true, undefined],
  ["2025-01-01T00:00:00Z", { at, unit: "text" }],
  ["2025-01-01 00:00:00.5 Z", { at: at + 500, unit: "text" }],
  ["2025-01-01T01:30:00+01:30", { at, unit: "text" }],
  ["2024-12-31T23:00:00-0100", { at, unit: "text" }],
  ["2025-01-01T01:00:00.123456+01", undefined],
  ["2025-01-01T00:00:00", undefined],
  ["2025-01-01", undefined],
  ["2025-13-01T00:00:00Z", undefined],
  ["yesterday", undefined],
  ["", undefined],
];

suite("names", ({ test }) => {
  test("are what InfluxDB can hold", () => {
    for (const [name, expected] of names) assert.is(isName(name), expected, JSON.stringify(name));
    assert.is(isName(1), false);
    assert.equal([isMeasurement("#a"), isMeasurement("a#"), isMeasurement("")], [false, true, false]);
  });
});

suite("moments", ({ test }) => {
  test("are told apart by their digits", () => {
    for (const [value, expected] of moments) assert.equal(readMoment(value), expected, String(value));
  });

  test("say which unit they came in, where that is another than milliseconds", () => {
    assert.is(readSimple(json({ ts: 1_735_689_600, values: { a: 1 } })).unit, "s");
    assert.is(readSimple(json({ ts: 1_735_689_600_000, values: { a: 1 } })).unit, undefined);
    assert.is(readSimple(json([{ a: 1, time: "2025-01-01T00:00:00Z" }, { a: 2 }])).unit, "text");
  });

  test("of a clock that was never set stand for the arrival; with another beside it they need a unit", () => {
    assert.equal(one({ ts: 60, values: { a: 1 } }), { ts: 60, values: { a: 1 } });
    const twice = (first: number, second: number): Buffer =>
      json([first, second].map((ts) => ({ ts, values: { a: ts } })));
    assert.is(readSimple(twice(60, 60)).samples.length, 2);
    for (const [first, second] of [
      [60, 120],
      [60, 1_735_689_600],
      [1_735_689_600, 60],
    ] as const)
      assert.match(
        refusal(() => readSimple(twice(first, second))),
        /ts: expected a time since 1970 in seconds .*; got (60|120)$/,
      );
    assert.match(
      refusal(() =>
        readSimple(
          json([
            { a: 1, ts: 60 },
            { a: 2, ts: 120 },
          ]),
        ),
      ),
      /ts: expected a time/,
    );
  });

  test("that cannot be read refuse the sample where it says ts, and are set aside in the flat form", () => {
    for (const ts of ["2025-01-01T00:00:00", "now", 17_356_896_000_000, -1, true, {}, { toString: 1, valueOf: 1 }, []])
      assert.match(
        refusal(() => one({ ts, values: { a: 1 } })),
        /sample is not valid: ts: expected a time/,
      );
    assert.equal(odd({ a: 1, Time: "2025-01-01T00:00:00", ts: -1 }), ["ts: no time", "Time: no time"]);
    assert.equal(one({ a: 1, ts: null, time: null }), { values: { a: 1 } });
    assert.equal(one({ a: 1, timestamp: 5, time: at }), { ts: at, values: { a: 1 } });
    assert.equal(one({ a: 1, time: true, ts: { x: 2 } }), { values: { a: 1, time: true, ts_x: 2 } });
  });

  test("that an earlier version has taken are still taken", () => {
    const read = (payload: unknown): unknown => readSimple(json(payload), true).samples.map(({ ts }) => ts);
    assert.equal(read([60, 120].map((ts) => ({ ts, values: { a: 1 } }))), [60, 120]);
    assert.equal(read([60, at].map((ts) => ({ ts, values: { a: 1 } }))), [60, at]);
    assert.equal(read({ ts: 17_356_896_000_000, values: { a: 1 } }), [17_356_896_000_000]);
  });
});

suite("simple samples, one field at a time", ({ test }) => {
  test("as CBOR they may hold what JSON has no word for", () => {
    const values = { big: 2n ** 60n, bytes: Buffer.from("x"), nothing: undefined, a: 1 };
    const { samples, odd: aside } = readSimple(encode(values, "cbor"));
    assert.equal(samples, [{ values: { big: 2 ** 60, a: 1 } }]);
    assert.equal(aside, [{ field: "bytes", got: "bytes", sample: '"…"' }]);
  });

  test("objects become one name, so many levels deep and so long", () => {
    const nested = (levels: number): object => (levels === 1 ? { x: 1 } : { n: nested(levels - 1) });
    assert.equal(one(nested(maxFieldDepth))?.values, { [`${"n_".repeat(maxFieldDepth - 1)}x`]: 1 });
    assert.equal(odd({ a: 1, ...nested(maxFieldDepth + 1) }), [`${"n_".repeat(maxFieldDepth - 1)}n: too deep`]);
    const half = "x".repeat(maxNameLength / 2);
    assert.equal(Object.keys(one({ [half]: { [half.slice(1)]: 1 } })?.values ?? {}), [`${half}_${half.slice(1)}`]);
    assert.equal(odd({ a: 1, [half]: { [half]: 1 } }), [`"${`${half}_${half}`.slice(0, 120)}": an unfit name`]);
    assert.equal(odd({ a: 1, ["y".repeat(maxNameLength)]: { b: 1 } }), [`${"y".repeat(maxNameLength)}: too deep`]);
  });

  test("lists of numbers have a place for each, up to a bound; others are set aside", () => {
    const numbers = (count: number): number[] => Array.from({ length: count }, (_, place) => place);
    assert.is(Object.keys(one({ a: numbers(maxArrayLength) })?.values ?? {}).length, maxArrayLength);
    assert.equal(odd({ a: 1, b: numbers(maxArrayLength + 1) }), ["b: a long list"]);
    assert.equal(
      odd({ a: 1, b: [1, "2"], c: [true], d: [{}], e: [[1]] }),
      ["b", "c", "d", "e"].map((name) => `${name}: a list`),
    );
    assert.equal(one({ a: [null, 2, null], b: [] })?.values, { a_1: 2 });
  });

  test("of two fields of one name that which has it by itself stays", () => {
    assert.equal(one({ a: { b: 1 }, a_b: 2 })?.values, { a_b: 2 });
    assert.equal(odd({ a: { b: 1 }, a_b: 2 }), ["a_b: a name twice"]);
  });

  test("so many fields, odd ones and samples in one message", () => {
    const many = (count: number, value: unknown): object =>
      Object.fromEntries(Array.from({ length: count }, (_, place) => [`f${place}`, value]));
    assert.match(
      refusal(() => one({ a: many(maxSpread.fieldsOfSeries, 1), b: 1 })),
      new RegExp(`expected at most ${maxSpread.fieldsOfSeries} entries`),
    );
    const read = readSimple(json({ a: 1, ...many(maxOdd + 5, ["x"]) }));
    assert.equal([read.odd.length, read.more], [maxOdd, 5]);
    assert.is(readSimple(json(Array.from({ length: maxSamples }, () => ({ a: 1 })))).samples.length, maxSamples);
    assert.match(
      refusal(() => readSimple(json(Array.from({ length: maxSamples + 1 }, () => ({ a: 1 }))))),
      /expected 1 to 1000 samples, got 1001/,
    );
  });

  test("a name that cannot be stored is told fit to be read", () => {
    const names = ["a\nb", "\u001b[31m", "\ud800", "x\\"].map((name) => odd({ a: 1, [name]: 2 }));
    assert.equal(names.flat(), [
      '"a\\nb": an unfit name',
      '"\\u001b[31m": an unfit name',
      '"\\ud800": an unfit name',
      '"x\\\\": an unfit name',
    ]);
  });

  test("a sample of a list that has nothing to store is left out, and refused where none has", () => {
    assert.is(readSimple(json([{ a: 1 }, { a: null }, {}])).samples.length, 1);
    assert.match(
      refusal(() => readSimple(json([{ a: null }, { b: ["x"] }]))),
      /at least one field with a value; b is a list: \["x"\]/,
    );
  });

  test("tags may be numbers, yes or no; what is none is left out; what cannot be one refuses the sample", () => {
    assert.equal(one({ tags: { a: 1, b: true, c: null, d: "", e: "ü & *" }, values: { x: 1 } })?.tags, {
      a: "1",
      b: "true",
      e: "ü & *",
    });
    for (const [tags, why] of [
      [{ time: "x" }, /tags: "time" means something else to InfluxDB/],
      [{ _field: "x" }, /"_field" means something else/],
      [{ a: {} }, /tags.a: .*expected string/],
      [{ a: "x\\" }, /tags.a: expected no control character/],
      [{ "a\n": "x" }, /expected a name of 1 to 128/],
      [[], /tags: expected an object, got \[\]/],
      [Object.fromEntries(Array.from({ length: maxTags + 1 }, (_, place) => [`t${place}`, "x"])), /at most 64 entries/],
    ] as const)
      assert.match(
        refusal(() => one({ tags, values: { x: 1 } })),
        why,
      );
  });

  test("what has no name for its value is answered with one that has", () => {
    for (const [text, value] of [
      ["21.5", "21.5"],
      ["ON", '"ON"'],
      ["true", "true"],
      ["null", "null"],
      ['"x"', '"x"'],
      ["Ein Wort", '"Ein Wort"'],
      ["ü", '"ü"'],
      ["[1,2]", "[1,2]"],
      ['[{"a":1},5]', '[{"a":1},5]'],
    ] as const) {
      try {
        readSimple(Buffer.from(text));
        assert.unreachable(text);
      } catch (error) {
        assert.instance(error, BareValueError);
        assert.match((error as Error).message, /^expected a JSON object with a name for each value/);
        assert.is(namedValue(error as BareValueError), `{"value":${value}}`);
      }
    }
    for (const bytes of ["", "ff", "c3", "a0ff"].map((hex) => Buffer.from(hex, "hex")))
      assert.not.instance(refusalOf(bytes), BareValueError);
  });
});

function refusalOf(payload: Buffer): unknown {
  try {
    readSimple(payload);
  } catch (error) {
    return error;
  }
  return assert.unreachable("it was taken");
}

suite("places", ({ test }) => {
  test("the first level is the measurement, and what follows the tag topic", () => {
    assert.equal(readPlace("room"), { measurement: "room", tags: {} });
    assert.equal(readPlace("tele/plug 1/SENSOR"), { measurement: "tele", tags: { topic: "plug 1/SENSOR" } });
    assert.equal(readPlace("_Küche/&"), { measurement: "_Küche", tags: { topic: "&" } });
  });

  test("so many levels, of so many characters", () => {
    const levels = (count: number, level = "x"): string => Array.from({ length: count }, () => level).join("/");
    assert.is(readPlace(`a/${levels(maxLevels)}`).tags["topic"], levels(maxLevels));
    assert.match(
      refusal(() => readPlace(`a/${levels(maxLevels + 1)}`)),
      /expected at most 8 levels behind the measurement "a"/,
    );
    assert.is(readPlace(`a/${levels(2, "x".repeat(127))}y`).tags["topic"]?.length, maxTagValueLength);
    assert.match(
      refusal(() => readPlace(`a/${levels(2, "x".repeat(128))}`)),
      /together at most 256 characters/,
    );
    assert.match(
      refusal(() => readPlace(`a/${levels(3, "x".repeat(100))}`)),
      /together at most 256 characters/,
    );
    for (const path of ["a/", "a//b", "a/b\u0001", "a/b\\"])
      assert.match(
        refusal(() => readPlace(path)),
        /cannot be the tag "topic"/,
      );
    for (const path of ["", "/a", "#a", "a\\", "\u0001", "x".repeat(maxNameLength + 1)])
      assert.match(
        refusal(() => readPlace(path)),
        /is no measurement's name: expected metrics\/<measurement>/,
      );
  });
});
