import * as assert from "uvu/assert";
import * as z from "zod/mini";
import { decode, encode } from "#shared/codec";
import { BadInputError } from "#shared/errors";
import { isPlainBatch } from "#shared/messages/plain-batch";
import { maxInBatch, maxSpread, maxTags } from "#shared/messages/batch-check";
import { readBatch } from "#shared/messages/batch-reading";
import { ack, batch as schema, isPlainAck, type Ack } from "#shared/messages/metrics";
import { readSimple } from "#shared/messages/simple";
import { Random } from "../../chaos/random.ts";
import { suite } from "../../test/suite.ts";

const plain = {
  v: 1,
  outbox: "o5rw",
  seq: 17,
  t: 1_767_225_600_000,
  epoch: "b7k2m9",
  mono: 170_000,
  age: 2_400,
  dt: [0, 1_000, 2_000],
  m: [
    {
      n: "cpu",
      tags: { cpu: "cpu-total" },
      f: { usage_user: { e: 1, d: [31, -2, 5] }, usage_idle: [95.2, null, 94.8] },
    },
    { n: "mem", f: { total: 8_241_000_000, state: "ok", on: [true, false, true] } },
  ],
};

/** Values to put where something else was: what passes there, what nearly does, and what is of another kind. */
const strange: readonly unknown[] = [
  [0, 1, -1, -0, 1.5, 86_400_000, 86_400_001, 2 ** 53 - 1, 2 ** 53, 8.64e15, 8.65e15, Number.NaN, Infinity, -Infinity],
  [
    "",
    "a",
    "a b",
    " a",
    "a\n",
    "a\\",
    "ü",
    "#a",
    "a\\ b",
    "a\\b",
    "\ud800",
    "\u0085",
    "a,b=c",
    "x".repeat(64),
    "x".repeat(65),
    "x".repeat(128),
    "x".repeat(129),
  ],
  ["x".repeat(256), "x".repeat(257), "x".repeat(1_024), "x".repeat(1_025), "host", "a.b:c/d%e-f_g", "-a"],
  [null, undefined, true, false, [], {}, [1], [1, 2, 3], [null, null, null], ["a", 1, true], [[1], 2, 3]],
  [
    { e: 0, d: [1, 2, 3] },
    { e: 10, d: [1, 2, 3] },
    { e: -1, d: [1, 2, 3] },
    { e: 0.5, d: [1, 2, 3] },
  ],
  [{ e: 0, d: [1, 2] }, { e: 0, d: [1, 2.5, 3] }, { e: 0, d: [2 ** 53 - 1, 1, 0] }, { e: 1 }, { d: [1, 2, 3] }],
  [{ from: 1, to: 2, why: "full" }, { a: "b" }, { a: 1 }, new Date(0), Buffer.from("x"), new Uint8Array(3), new Map()],
].flatMap<unknown>((kind) => kind);
const keys = [
  "v",
  "outbox",
  "dropped",
  "tags",
  "n",
  "f",
  "e",
  "d",
  "host",
  "",
  "a b",
  " a",
  "x".repeat(129),
  "more",
  "ü",
  "#a",
  "a\\,b",
  "\ud800",
];

/** A copy in which one thing, anywhere, is replaced, added or taken away. */
function mutated(value: unknown, random: Random): unknown {
  if (typeof value !== "object" || value === null || random.chance(0.15))
    return strange[random.between(0, strange.length - 1)];
  if (Array.isArray(value)) {
    const list = [...(value as unknown[])];
    const at = random.between(0, list.length);
    if (random.chance(0.2)) list.splice(at, 1);
    else list[at] = mutated(list[at], random);
    return list;
  }
  const copy: Record<string, unknown> = { ...value };
  const key = random.chance(0.2) ? random.pick(keys) : random.pick(Object.keys(copy).length ? Object.keys(copy) : keys);
  if (random.chance(0.2)) delete copy[key];
  else copy[key] = mutated(copy[key], random);
  return copy;
}

suite("batch check", ({ test }) => {
  test("what agents send is taken without the schema", () => {
    const { epoch: _, mono: _mono, age: _age, ...least } = plain;
    for (const batch of [plain, least, { ...least, m: [] }])
      assert.ok(isPlainBatch(decode(encode(batch, "cbor")).value));
  });

  test("it takes nothing that the schema refuses or changes", () => {
    const random = new Random("batches");
    const seen = { taken: 0, refused: 0 };
    for (let round = 0; round < 20_000; round++) {
      let value: unknown = plain;
      for (let turn = random.between(1, 2); turn > 0; turn--) value = mutated(value, random);
      if (isPlainBatch(value)) {
        seen.taken += 1;
        const parsed = z.safeParse(schema, value);
        assert.ok(parsed.success, JSON.stringify(value));
        assert.equal(parsed.data, value);
      } else seen.refused += 1;
    }
    // Else the comparison would be of one side only.
    assert.ok(seen.taken > 1_000 && seen.refused > 1_000, JSON.stringify(seen));
  });

  test("of acks it takes what consoles say with every batch, and nothing that the schema refuses or changes", () => {
    const random = new Random("acks");
    const good: Ack = {
      outbox: "o5rw",
      run: "r4d1",
      ts: 1_767_225_600_000,
      ranges: [
        [1, 3],
        [5, 5],
      ],
    };
    assert.ok(isPlainAck(good));
    const seen = { taken: 0, refused: 0 };
    for (let round = 0; round < 5_000; round++) {
      const value = mutated(good, random);
      if (isPlainAck(value)) {
        seen.taken += 1;
        const parsed = z.safeParse(ack, value);
        assert.ok(parsed.success, JSON.stringify(value));
        assert.equal(parsed.data, value);
      } else seen.refused += 1;
    }
    assert.ok(seen.taken > 200 && seen.refused > 200, JSON.stringify(seen));
  });

  test("what it refuses of good batches is only what the schema would change or a gap", () => {
    const random = new Random("good batches");
    for (let round = 0; round < 20_000; round++) {
      const value = mutated(plain, random);
      const parsed = z.safeParse(schema, value);
      if (!parsed.success || "dropped" in parsed.data || isPlainBatch(value)) continue;
      const changed = JSON.stringify(parsed.data) !== JSON.stringify(value);
      const strangeObject = /Date|Map|undefined|Uint8Array|Buffer/.test(inspectKinds(value));
      assert.ok(changed || strangeObject, JSON.stringify(value));
    }
  });

  test("a few bytes cannot stand for gigabytes, nor for a million values", () => {
    const dt = (length: number): number[] => Array.from({ length }, (_, at) => at);
    const same = (fields: number, value: string | number): Record<string, string | number> =>
      Object.fromEntries(Array.from({ length: fields }, (_, at) => [`f${at}`, value]));
    const asked = (instants: number, f: object): unknown => ({ ...plain, dt: dt(instants), m: [{ n: "a", f }] });
    const judge = (batch: unknown): boolean => {
      const taken = isPlainBatch(batch);
      assert.is(z.safeParse(schema, batch).success, taken);
      return taken;
    };
    const fields = maxSpread.values / 1_000;
    assert.ok(judge(asked(1_000, same(fields, 1))));
    assert.not.ok(judge(asked(1_000, { ...same(fields - 1, 1), more: 1, yetMore: 1 })));
    const longest = maxSpread.bytes / 1_000 - "f0".length;
    assert.ok(judge(asked(1_000, same(1, "x".repeat(longest)))));
    assert.not.ok(judge(asked(1_000, same(1, "x".repeat(longest + 1)))));
    assert.throws(
      () => readBatch(encode(asked(10_000, same(95, 1)), "cbor")),
      (error: Error) => error instanceof BadInputError && /100000 values of 8 MiB/.test(error.message),
    );
    // What an agent gathers at most by the settings that the documents name.
    assert.ok(judge(asked(150, same(300, 1))));
  });

  test("a series has so many fields and tags at most, and a batch so many fields", () => {
    const entries = (count: number, value: unknown): object =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, value]));
    const judge = (m: object[]): string => {
      const batch = { ...plain, dt: [0], m };
      try {
        readBatch(encode(batch, "cbor"));
        assert.ok(isPlainBatch(batch) && z.safeParse(schema, batch).success);
        return "taken";
      } catch (error) {
        assert.not.ok(isPlainBatch(batch) || z.safeParse(schema, batch).success);
        return (error as Error).message;
      }
    };
    const { fieldsOfSeries, fields } = maxSpread;
    const wide = { n: "a", f: entries(fieldsOfSeries, 1) };
    const full = Array.from({ length: fields / fieldsOfSeries }, () => wide);
    assert.is(judge([wide]), "taken");
    assert.match(judge([{ n: "a", f: entries(fieldsOfSeries + 1, 1) }]), /m\.0\.f: expected at most 1000 entries/);
    assert.is(judge(full), "taken");
    assert.match(
      judge([...full, { n: "a", f: { one: 1 } }]),
      new RegExp(`m: expected at most ${maxSpread.fields} fields`),
    );
    assert.is(judge([{ n: "a", tags: entries(maxTags, "x"), f: { a: 1 } }]), "taken");
    const tagged = { n: "a", tags: entries(maxTags + 1, "x"), f: { a: 1 } };
    assert.match(judge([tagged]), /m\.0\.tags: expected at most 64 entries/);
    // Neither does anything in the simple form.
    const simple = (count: number) => readSimple(encode(entries(count, 1), "cbor"));
    assert.is(simple(fieldsOfSeries).samples.length, 1);
    assert.throws(() => simple(fieldsOfSeries + 1), /expected at most 1000 entries/);
  });

  test("of a batch full of faults the first series is told, and no problem is gathered of the others", () => {
    const bad = { n: "cpu", f: { a: {}, b: {}, c: {}, d: {} } };
    const batch = {
      ...plain,
      m: [...plain.m, ...Array.from({ length: maxInBatch.series - plain.m.length }, () => bad)],
    };
    assert.throws(
      () => readBatch(encode(batch, "cbor")),
      new RegExp(`batch is not valid: m\\.${plain.m.length}\\.f\\.a: .*; and 1 more$`),
    );
  });

  test("an error names the place", () => {
    const bad = { ...plain, m: [{ n: "cpu", f: { "a\n": [1, 2, 3] } }] };
    assert.throws(
      () => readBatch(encode(bad, "cbor")),
      /batch is not valid: m\.0\.f\.a\n: expected a name of 1 to 128/,
    );
  });
});

/** The kinds of objects in a value, by their constructors. */
function inspectKinds(value: unknown): string {
  if (value === undefined) return "undefined";
  if (typeof value !== "object" || value === null) return "";
  return `${value.constructor.name} ${Object.values(value).map(inspectKinds).join(" ")}`;
}
