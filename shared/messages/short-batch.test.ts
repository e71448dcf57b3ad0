import { createHash } from "node:crypto";
import * as assert from "uvu/assert";
import { batchCap, decode, encode } from "#shared/codec";
import { unpack, type Column, type FieldValue } from "#shared/columns";
import { maxSpread, maxTags } from "#shared/messages/batch-check";
import { judgeBatch, readBatch } from "#shared/messages/batch-reading";
import { commonNames } from "#shared/messages/common-names";
import type { Batch, Measurement } from "#shared/messages/metrics";
import { isPlainBatch } from "#shared/messages/plain-batch";
import { shortOf } from "#shared/messages/short-batch";
import { Random } from "../../chaos/random.ts";
import { suite } from "../../test/suite.ts";

const all = commonNames.length;
const head = { v: 1, outbox: "o5rw", seq: 17, run: "r4d1", t: 1_767_225_600_000, dt: [0] } as const;
const short = (batch: Batch, names = all): Buffer => encode(shortOf(batch, names), "cbor");
/** A list as it would be sent, with other series. */
const listOf = (...m: unknown[]): unknown[] => [all, "o5rw", 17, "r4d1", null, head.t, null, null, null, [0], m];

/** Each field's value at each instant: what a batch says, however it says it. */
function said({ m, ...rest }: Batch): unknown {
  const values = ({ n, tags, f }: Measurement): unknown => [
    n,
    tags ?? {},
    Object.entries(f).map(([name, column]) => [name, unpack(column, rest.dt.length)]),
  ];
  return { ...rest, m: m.map(values) };
}

const oddNames = [
  "room",
  "temperature",
  "a b",
  "ü",
  "0",
  "17",
  "constructor",
  "toString",
  "x".repeat(128),
  "usage_idlé",
];
const oddValues: readonly FieldValue[] = [
  0,
  -0,
  1,
  -1,
  0.001,
  85.629,
  1e-9,
  1 / 3,
  4_294_967.295,
  4_294_967.296,
  -4_294_967.296,
  2 ** 32,
  2 ** 53 - 1,
  1e300,
  "",
  "ON",
  true,
  false,
];

function someName(random: Random): string {
  return random.chance(0.7) ? random.pick(commonNames) : random.pick(oddNames);
}

function someColumn(random: Random, length: number): Column {
  const value = (): FieldValue => {
    if (random.chance(0.5)) return random.pick(oddValues);
    return random.chance(0.5) ? random.between(-1e9, 1e9) / 1_000 : random.between(0, 1e9) / 7;
  };
  if (random.chance(0.2)) return Array.from({ length }, () => (random.chance(0.1) ? null : value()));
  if (random.chance(0.1))
    return { e: random.between(0, 9), d: Array.from({ length }, () => random.between(-1e6, 1e6)) };
  return value() as Column;
}

/** Mostly fields as they follow each other in the list, as collectors have them; some are missing, and some are of somebody's own. */
function someFields(random: Random, length: number): Measurement["f"] {
  const f: Record<string, Column> = {};
  for (let runs = random.between(1, 3); runs > 0; runs--) {
    const begin = random.between(0, all - 1);
    for (let at = begin; at < Math.min(all, begin + random.between(1, 30)); at++)
      if (random.chance(0.9)) f[commonNames[at] as string] = someColumn(random, length);
    if (random.chance(0.3)) f[someName(random)] = someColumn(random, length);
  }
  return f;
}

function someBatch(random: Random): Batch {
  const dt = Array.from({ length: random.chance(0.6) ? 1 : random.between(2, 5) }, (_, at) => at * 1_000);
  const some = <T>(value: T): T | undefined => (random.chance(0.5) ? value : undefined);
  const optional = { run: some("r4d1"), first: some(3), epoch: some("b7k2m9"), mono: some(-1.5), age: some(20) };
  const m = Array.from({ length: random.between(0, 6) }, () => {
    const tags = Object.fromEntries(
      Array.from({ length: random.between(0, 3) }, () => [someName(random), someName(random)]),
    );
    return { n: someName(random), ...(random.chance(0.7) ? { tags } : {}), f: someFields(random, dt.length) };
  });
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  return { v: 1, outbox: "o5rw", seq: random.between(0, 1e6), t: head.t, ...given, dt, m };
}

suite("short batches", ({ test }) => {
  test("the names that are known keep their places: words are added at the end alone", () => {
    // A line for each release that has added some; none of them is ever changed.
    const told: readonly [count: number, digest: string][] = [[341, "04ec568890c71652"]];
    for (const [count, digest] of told) {
      const text = JSON.stringify(commonNames.slice(0, count));
      assert.is(createHash("sha256").update(text).digest("hex").slice(0, 16), digest, `the first ${count}`);
    }
    assert.is(commonNames.length, told.at(-1)?.[0]);
  });

  test("whatever a batch says, its short form says, by all names, some or none", () => {
    const random = new Random("short batches");
    let shorter = 0;
    for (let round = 0; round < 400; round++) {
      const batch = someBatch(random);
      const whole = encode(batch, "cbor");
      const payload = short(batch, random.chance(0.7) ? all : random.between(0, all + 9));
      assert.equal(said(readBatch(payload)), said(decode(whole, batchCap).value as Batch));
      if (payload.length < whole.length) shorter += 1;
    }
    assert.ok(shorter > 200, `${shorter} were shorter`);
  });

  test("a field says the same to the last bit: thousandths where they do, and else as it was", () => {
    const random = new Random("thousandths");
    for (let round = 0; round < 3_000; round++) {
      const value = random.chance(0.5)
        ? random.between(-1e7, 1e7) / 1_000
        : (random.between(-1e9, 1e9) / 1e6) * Math.PI;
      const { m } = readBatch(short({ ...head, dt: [0], m: [{ n: "cpu", f: { usage_user: value } }] }));
      assert.ok(Object.is(m[0]?.f["usage_user"], value), `${value}`);
    }
  });

  test("what the short form has no place for is sent whole: a gap, and what a later version adds", () => {
    const batch = { ...head, dt: [0], m: [] };
    assert.ok(shortOf(batch, all));
    assert.is(shortOf({ ...batch, dropped: { from: 1, to: 2, why: "full" } }, all), undefined);
    assert.is(shortOf({ ...batch, later: 1 } as Batch, all), undefined);
  });

  test("one that counts by names that are not known is refused and has no name to be acknowledged by: it comes again, whole", () => {
    const list = listOf([0, [], [19, 1]]);
    assert.equal(judgeBatch(encode(list, "cbor")).kind, "batch");
    const reading = judgeBatch(encode([all + 1, ...list.slice(1)], "cbor"));
    assert.ok(reading.kind === "unfit");
    assert.equal(
      [reading.name, reading.why],
      [undefined, `batch is not valid: it counts by ${all + 1} names, of which this console knows ${all}`],
    );
  });

  test("one that can never be a batch is refused with its place, and has the name to be acknowledged by", () => {
    const refused: readonly [what: unknown, why: RegExp][] = [
      [listOf("cpu"), /m\.0: expected a list of a name, tags and runs/],
      [listOf([0]), /m\.0: expected a list of a name/],
      [listOf([0, [], [19, 1]], [all, []]), /m\.1: expected a name, or a number below 341/],
      [listOf([-1, []]), /m\.0: expected a name, or a number/],
      [listOf([0.5, []]), /m\.0: expected a name, or a number/],
      [listOf([null, []]), /m\.0: expected a name, or a number/],
      [listOf([0, {}]), /m\.0: expected tags as a list/],
      [listOf([0, [1]]), /m\.0: expected tags as a list/],
      [listOf([0, [1, all]]), /m\.0: expected a name, or a number/],
      [listOf([0, Array.from({ length: 2 * maxTags + 2 }, () => "x")]), /m\.0: expected tags as a list of at most 64/],
      [listOf([0, [], 19]), /m\.0: expected a run/],
      [listOf([0, [], [19]]), /m\.0: expected a run/],
      [listOf([0, [], [all - 1, 1, 2]]), /m\.0: a run of 2 values reaches beyond its names/],
      [listOf([0, [], ["a", 1, 2]]), /m\.0: a run of 2 values reaches beyond its names/],
      [listOf([0, [], ["__proto__", 1]]), /m\.0: expected a name/],
      [listOf(["__proto__", [], ["a", 1]]), /m\.0: expected a name/],
      [listOf([0, ["__proto__", "a"], ["a", 1]]), /m\.0: expected a name/],
      [listOf([0, [], ["a\n", 1]]), /m\.0\.f\.a\n: expected a name of 1 to 128 characters/],
      [listOf([0, [], [19, {}]]), /m\.0\.f\.usage_user: expected a value, a list of them/],
      [listOf([0, [], [19, [1, 2]]]), /each field needs one value for each instant/],
      [listOf([0, ["a", "b\\"], [19, 1]]), /m\.0\.tags\.a: expected no control character/],
      [[...listOf().slice(0, 10), "m"], /ends in series/],
      [listOf().slice(0, 10), /expected an object, or a list of 11/],
    ];
    for (const [list, why] of refused) {
      const reading = judgeBatch(encode(list, "cbor"));
      assert.ok(reading.kind === "unfit", JSON.stringify(list));
      assert.match(reading.why, why);
      assert.equal(reading.name, { outbox: "o5rw", seq: 17, run: "r4d1" });
    }
    for (const list of [[], ["a", 17], [null], [[]]]) assert.is(judgeBatch(encode(list, "cbor")).kind, "unfit");
    const cut = judgeBatch(encode(listOf([0, [], [19, 1]]), "cbor").subarray(0, -1));
    assert.equal(cut.kind === "unfit" && cut.name, { outbox: "o5rw", seq: 17, run: "r4d1" });
  });

  test("a few bytes cannot stand for a million fields, nor for many series", () => {
    const run = [0, ...Array.from({ length: all }, () => 0)];
    const many = listOf([0, [], ...Array.from({ length: 380 }, () => run)]);
    assert.match(whyOf(many), new RegExp(`m: expected at most ${maxSpread.fields} fields in all`));
    assert.match(whyOf(listOf(...Array.from({ length: 2_001 }, () => [0, []]))), /m: expected at most 2000 entries/);
  });

  test("no list makes it throw, nor take what is no batch", () => {
    const random = new Random("lists");
    const strange = [0, 1, -1, 0.5, all, 2 ** 53, null, true, "", "a", "__proto__", [], [1], [null], {}, [0, 1, 2]];
    const mutated = (value: unknown): unknown => {
      if (!Array.isArray(value) || value.length === 0 || random.chance(0.15)) return random.pick(strange);
      const list = [...(value as unknown[])];
      const at = random.between(0, list.length - 1);
      if (random.chance(0.2)) list.splice(at, 1);
      else list[at] = mutated(list[at]);
      return list;
    };
    const seen = { batch: 0, unfit: 0 };
    for (let round = 0; round < 2_000; round++) {
      const list = mutated(listOf([0, [1, 2], [19, 1, [2], "x"], ["a", 1]], ["room", [], ["b", [1]]]));
      const reading = judgeBatch(encode(list, "cbor"));
      seen[reading.kind] += 1;
      if (reading.kind === "batch") assert.ok(isPlainBatch(reading.batch), JSON.stringify(list));
    }
    assert.ok(seen.batch > 100 && seen.unfit > 100, JSON.stringify(seen));
  });
});

function whyOf(list: unknown): string {
  const reading = judgeBatch(encode(list, "cbor"));
  return reading.kind === "unfit" ? reading.why : "";
}
