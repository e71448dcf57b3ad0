import * as assert from "uvu/assert";
import { unpack } from "#shared/columns";
import { maxInBatch } from "#shared/messages/batch-check";
import { suite } from "../../test/suite.ts";
import type { SeriesColumns } from "../store/store.ts";
import { maxMisfits } from "./contract/contract.ts";
import { batchOf, openIngest, rpi } from "./fixture.ts";

const t = Date.UTC(2026, 0, 1);

/** Every value by series, field and instant, as a store would hold them: and whether one has overwritten another. */
function cellsOf(written: readonly SeriesColumns[]): { cells: Record<string, unknown>; overwritten: string[] } {
  const cells: Record<string, unknown> = {};
  const overwritten: string[] = [];
  for (const { measurement, tags, times, fields } of written)
    for (const [field, column] of Object.entries(fields))
      for (const [at, value] of unpack(column, times.length).entries()) {
        if (value === null) continue;
        const key = `${JSON.stringify([measurement, Object.entries(tags).sort()])} ${field} ${times[at]}`;
        if (key in cells && cells[key] !== value) overwritten.push(key);
        cells[key] = value;
      }
  return { cells, overwritten };
}

const room = (f: Record<string, unknown>, tags?: Record<string, string>) => ({
  n: "room",
  f,
  ...(tags ? { tags } : {}),
});

/** Batches of which a part is at the instant of another: their values as they are stored, and what is set aside. */
const batches: readonly [
  what: string,
  changes: Record<string, unknown>,
  stored: readonly unknown[],
  aside: string[],
][] = [
  ["an instant twice", { dt: [0, 0, 5], m: [room({ v: [1, 2, 3] })] }, [1, 2, 3], []],
  ["in one millisecond", { dt: [0, 0.2, 0.4], m: [room({ v: { e: 0, d: [1, 1, 1] } })] }, [1, 2, 3], []],
  ["back and forth", { dt: [0, 5, 0, 5, 1], m: [room({ v: [1, 2, 3, 4, 5] })] }, [1, 2, 3, 4, 5], []],
  [
    "a series twice",
    { dt: [0, 1], m: [room({ v: [1, 2] }), room({ v: [1, 9] })] },
    [1, 2],
    ["room.v another value 1 9"],
  ],
  ["in turn", { dt: [0, 1], m: [room({ v: [1, null] }), room({ v: [null, 2] })] }, [1, 2], []],
  ["other fields", { dt: [0], m: [room({ a: 1 }), room({ b: 2 }), room({ b: 2, c: "x" })] }, [1, 2, "x"], []],
  [
    "three of them",
    { dt: [0], m: [room({ a: 1 }), room({ b: 2 }), room({ b: 3 })] },
    [1, 2],
    ["room.b another value 1 3"],
  ],
  [
    "tags in another order",
    { dt: [0], m: [room({ v: 1 }, { a: "1", b: "2" }), room({ v: 2 }, { b: "2", a: "1" })] },
    [1],
    ["room.v another value 1 2"],
  ],
  [
    "a tag that is the console's to say",
    { dt: [0], m: [room({ v: 1 }, { host: "a" }), room({ v: 2 }, { host: "b" })] },
    [1],
    ["room.v another value 1 2"],
  ],
  ["the first of another type", { dt: [0], m: [room({ v: 1 }), room({ v: "x" }, {})] }, [1], ['room.v string 1 "x"']],
];

suite("samples of one series at one instant", ({ test }) => {
  for (const [what, changes, stored, aside] of batches)
    test(`${what}: none of a batch overwrites another part of it, and what is not stored is set aside`, async (scope) => {
      const at = await openIngest(scope);
      at.take(batchOf(1, { t, ...changes }));
      await at.settled();
      const { cells, overwritten } = cellsOf(at.written);
      assert.equal(overwritten, []);
      assert.equal(Object.values(cells), stored);
      const listed = at.contract.quarantine.list(rpi);
      assert.equal(
        listed.map(({ measurement, field, got, count, sample }) => `${measurement}.${field} ${got} ${count} ${sample}`),
        aside,
      );
      assert.equal([...at.acked], ["a 1"]);
    });

  test("as many as a batch may have at one instant are spread, quickly and the same way each time", async (scope) => {
    const at = await openIngest(scope);
    const values = Array.from({ length: maxInBatch.instants }, (_, index) => index);
    for (const seq of [1, 2]) at.take(batchOf(seq, { t, dt: values.map(() => 0), m: [room({ v: values })] }));
    await at.settled();
    const [one, other] = at.written;
    assert.equal(one?.times, other?.times);
    assert.is(new Set(one?.times).size, maxInBatch.instants);
    assert.is(one?.times.at(-1), t + maxInBatch.instants - 1);
  });

  test("as many series as a batch may have, all of one name", async (scope) => {
    const at = await openIngest(scope);
    const all = Array.from({ length: maxInBatch.series }, (_, index) => room({ v: index }));
    at.take(batchOf(1, { t, dt: [0], m: all }));
    await at.settled();
    assert.equal(Object.values(cellsOf(at.written).cells), [0]);
    assert.is(at.contract.quarantine.list(rpi)[0]?.count, maxMisfits);
    const { stored, setAside } = at.ingest.batches.completeness.of(rpi);
    assert.equal([stored, setAside], [1, maxInBatch.series - 1]);
  });
});
