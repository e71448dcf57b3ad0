import * as assert from "uvu/assert";
import { batchCap, encode } from "#shared/codec";
import { unpack } from "#shared/columns";
import { readBatch } from "#shared/messages/batch-reading";
import { suite } from "../../test/suite.ts";
import type { Columns } from "../metrics/to-columns.ts";
import { toBatches, type Timed } from "./to-batches.ts";

const start = Date.UTC(2026, 0, 1);

function timed(at: number, value: number | string, tags: Record<string, string> = {}, up = at - start): Timed {
  return { at, up, reading: { measurement: "room", tags, fields: { temperature: value } } };
}

/** Every value that the batches hold, as the console would read them. */
function points(batches: readonly Columns[]): [time: number, tag: string | undefined, value: unknown][] {
  return batches.flatMap((columns, seq) => {
    const payload = encode({ v: 1, outbox: "o", seq, epoch: "e", ...columns }, "cbor");
    assert.ok(payload.length < batchCap, `${payload.length} bytes`);
    const { t, dt, m } = readBatch(payload);
    return m.flatMap(({ tags, f }) =>
      unpack(f["temperature"]!, dt.length).flatMap((value, index) =>
        value === null ? [] : [[t + dt[index]!, tags?.["id"], value] as [number, string | undefined, unknown]],
      ),
    );
  });
}

suite("batches of samples of other programs", ({ test }) => {
  test("keep every value with exactly its own time, sorted", () => {
    const batches = toBatches([
      timed(start + 3, 3),
      timed(start + 1, 1),
      timed(start + 2, 2),
      timed(start + 2, 20, { id: "b" }),
    ]);
    assert.is(batches.length, 1);
    assert.equal(batches[0]?.dt, [0, 1, 2]);
    assert.equal(points(batches), [
      [start + 1, undefined, 1],
      [start + 2, undefined, 2],
      [start + 3, undefined, 3],
      [start + 2, "b", 20],
    ]);
  });

  test("say where on the machine's uptime they begin, before its start too", () => {
    assert.is(toBatches([timed(start - 5_000, 1)])[0]?.mono, -5_000);
    assert.is(points(toBatches([timed(start - 5_000, 1)]))[0]?.[0], start - 5_000);
  });

  test("end after a day, and where the wall clock was set", () => {
    const day = 86_400_000;
    assert.equal(
      toBatches([timed(start, 1), timed(start + day, 2), timed(start + day + 1, 3)]).map(({ dt }) => dt.length),
      [2, 1],
    );
    const set = toBatches([timed(start, 1, {}, 100), timed(start + 3_600_000, 2, {}, 200)]);
    assert.equal(
      set.map(({ t, mono }) => [t, mono]),
      [
        [start, 100],
        [start + 3_600_000, 200],
      ],
    );
  });

  test("stay below the console's cap, whatever the samples are, and lose none", () => {
    const count = 10_000;
    const text = "€".repeat(1_000);
    const cases: readonly ((index: number) => Timed)[] = [
      (index) => timed(start + index, index),
      (index) => timed(start, index, { id: String(index) }),
      (index) => timed(start + index, index, { id: String(index % 100) }),
      (index) => timed(start + index, index, { id: String(index) }),
      (index) => timed(start + (index % 7), `${text}${index}`, { id: String(index % 3_000) }),
    ];
    for (const [which, make] of cases.entries()) {
      const samples = Array.from({ length: which === 4 ? 2_000 : count }, (_, index) => make(index));
      const batches = toBatches(samples);
      const wanted = new Set(
        samples.map(({ at, reading }) => `${at} ${reading.tags["id"]} ${String(reading.fields["temperature"])}`),
      );
      for (const point of points(batches)) wanted.delete(point.map(String).join(" "));
      assert.is(wanted.size, 0, `case ${which}`);
      assert.ok(batches.length <= 200, `case ${which}: ${batches.length} batches`);
    }
  });
});
