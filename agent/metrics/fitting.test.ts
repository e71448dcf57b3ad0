import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import type { Column, FieldValue } from "#shared/columns";
import { silentLog } from "#shared/log";
import { maxInBatch, maxSpread } from "#shared/messages/batch-check";
import { readBatch } from "#shared/messages/batch-reading";
import { suite } from "../../test/suite.ts";
import type { Columns } from "./to-columns.ts";
import type { Unfit } from "./fitting.ts";
import { TestOutbox } from "./outbox/fixture.ts";
import { rowsOf } from "../own/fixture.ts";
import { maxToldFields, quietAfter, LeftOutFields } from "./left-out.ts";

/** What an outbox in memory makes of a batch: what it numbers is read as the console reads it. */
function numbered(columns: Partial<Columns>) {
  const aside: Unfit[] = [];
  const one = new TestOutbox({ aside: { add: (unfit) => void aside.push(unfit) } });
  one.outbox.append({ t: 1_000, mono: 1_000, dt: [0], m: [], ...columns });
  const batches = one.outbox.queues.flatMap((queue) => {
    const all = [];
    for (let seq = queue.after(0); seq !== undefined; seq = queue.after(seq))
      all.push(readBatch(queue.read(seq) ?? Buffer.alloc(0)));
    return all;
  });
  return { batches, aside, rows: rowsOf(batches.map((batch) => ({ ...batch, mono: 0 }))) };
}

const fields = (count: number): Record<string, Column> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, at]));
const list = (length: number, of: (at: number) => unknown): FieldValue[] =>
  Array.from({ length }, (_, at) => of(at) as FieldValue);
const room = (f: Record<string, unknown>, n = "room") => ({ n, f: f as Record<string, Column> });

/** Batches at the edge of what one may be and beyond, by how many they become; no value may be lost. */
const sizes: readonly [what: string, columns: Partial<Columns>, batches: number, values: number][] = [
  ["instants a day apart", { dt: [0, maxInBatch.offset], m: [room({ v: [1, 2] })] }, 1, 2],
  ["instants more than a day apart", { dt: [0, maxInBatch.offset + 1], m: [room({ v: [1, 2] })] }, 2, 2],
  [
    "150 instants in steps of ten minutes",
    { dt: list(150, (at) => at * 600_000) as number[], m: [room({ v: list(150, (at) => at) })] },
    2,
    150,
  ],
  ["2,000 series", { m: list(maxInBatch.series, (at) => at).map((at) => room({ v: 1 }, `m${String(at)}`)) }, 1, 2_000],
  ["2,100 series", { m: list(2_100, (at) => at).map((at) => room({ v: 1 }, `m${String(at)}`)) }, 2, 2_100],
  ["fields of one series", { m: [room(fields(maxSpread.fieldsOfSeries + 1))] }, 2, maxSpread.fieldsOfSeries + 1],
  ["fields of all", { m: list(5, (at) => at).map((at) => room(fields(999), `m${String(at)}`)) }, 2, 4_995],
  [
    "values of all",
    { dt: list(150, (at) => at) as number[], m: [room(fields(700)), room(fields(10), "other")] },
    2,
    106_500,
  ],
  [
    "instants of one field",
    {
      dt: list(maxInBatch.instants + 1, (at) => at) as number[],
      m: [room({ v: list(maxInBatch.instants + 1, (at) => at) })],
    },
    2,
    maxInBatch.instants + 1,
  ],
  [
    "long texts",
    { dt: list(12, (at) => at) as number[], m: [room({ v: list(12, (at) => String(at % 10).repeat(60_000)) })] },
    4,
    12,
  ],
  [
    "more items than a decoder takes",
    {
      m: list(1_500, (at) => at).map((at) => ({
        ...room({ v: 1 }, `m${String(at)}`),
        tags: Object.fromEntries(list(45, (tag) => tag).map((tag) => [`t${String(tag)}`, "x"])),
      })),
    },
    2,
    1_500,
  ],
];

const name = /is no name: expected a name of 1 to 128/;
/** What could never pass, by what is set aside and what is left. */
const unfit: readonly [what: string, columns: Partial<Columns>, aside: [string, string, RegExp], left: unknown[]][] = [
  ["a field's name", { m: [room({ "ü\n": 1, v: 2 })] }, ["room", "ü\n", name], [2]],
  [
    "a field that is left out wherever it is read",
    { m: [room(JSON.parse('{"__proto__":1,"v":2}') as object as Record<string, unknown>)] },
    ["room", "__proto__", name],
    [2],
  ],
  ["a measurement's name", { m: [room({ v: 1 }, "a\n"), room({ v: 2 })] }, ["a\n", "", name], [2]],
  ["a tag's name", { m: [{ ...room({ v: 1 }), tags: { "": "x" } }, room({ v: 2 })] }, ["room", "", /tags/], [2]],
  ["a tag's value", { m: [{ ...room({ v: 1 }), tags: { t: "\n" } }, room({ v: 2 })] }, ["room", "", /tags/], [2]],
  ["a value of another kind", { dt: [0, 1], m: [room({ v: [1n, 2] })] }, ["room", "v", /neither a number/], [2]],
  ["a text that is too long", { dt: [0, 1], m: [room({ v: ["x".repeat(65_537), 2] })] }, ["room", "v", /length/], [2]],
  ["a list that is too short", { dt: [0, 1], m: [room({ v: [1], w: 2 })] }, ["room", "v", /neither/], [2, 2]],
  ["no time", { dt: [0, Number.NaN], m: [room({ v: 1 })] }, ["room", "", /no times/], []],
];

suite("what an agent numbers", ({ test }) => {
  for (const [what, columns, count, values] of sizes)
    test(`${what}: as many batches as need be, and every value is in one of them`, () => {
      const { batches, aside, rows } = numbered(columns);
      assert.equal([batches.length, rows.length, aside], [count, values, []]);
    });

  for (const [what, columns, [measurement, field, why], left] of unfit)
    test(`${what}: set aside alone`, () => {
      const { aside, rows } = numbered(columns);
      assert.equal(
        rows.map(({ value }) => value),
        left,
      );
      assert.equal([aside.length, aside[0]?.measurement, aside[0]?.field], [1, measurement, field]);
      assert.match(aside[0]?.why ?? "", why);
    });

  test("what is set aside is said once for each field, and shown until an hour has passed without more", () => {
    const clock = new ManualClock();
    const said: string[] = [];
    const log = { ...silentLog, warn: (_: object, text: string) => void said.push(text) };
    let changes = 0;
    const aside = new LeftOutFields({ clock, log, changed: () => (changes += 1) });
    for (let at = 0; at <= maxToldFields + 10; at++)
      for (let again = 0; again < 2; again++) aside.add({ measurement: "room", field: `ü${at}`, why: "it is no name" });
    assert.equal([said.length, changes, aside.count], [maxToldFields, 1, 2 * (maxToldFields + 11)]);
    assert.match(aside.problem ?? "", /set aside by the agent: "room\.ü0": it is no name, and 99 more like it$/);
    clock.advance(quietAfter - 1);
    aside.add({ measurement: "room", field: "ü0", why: "it is no name" });
    clock.advance(quietAfter - 1);
    assert.ok(aside.problem);
    clock.advance(1);
    assert.equal([aside.problem, changes], [undefined, 2]);
  });
});
