import * as assert from "uvu/assert";
import { batchCap, encode } from "#shared/codec";
import { maxInBatch, maxSpread } from "#shared/messages/batch-check";
import { suite } from "../../test/suite.ts";
import { refusedByStore } from "./contract/advice.ts";
import { batchOf, openIngest, rpi } from "./fixture.ts";
import { maxNoteLength, remembered } from "./rejections.ts";

const series = (count: number) => Array.from({ length: count }, (_, at) => ({ n: `m${at}`, f: { v: 1 } }));
const fields = (count: number, value: unknown = 1) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, value]));
let deep: unknown = 1;
for (let level = 0; level < 20; level++) deep = [deep];

/** What no console takes, with what the quarantine says of it: where and why. */
const unfit: readonly [what: string, payload: Buffer, where: string, why: RegExp][] = [
  ["an offset beyond a day", batchOf(1, { dt: [0, 1, maxInBatch.offset + 1] }), "(batch).dt", /86400000 ms/],
  ["too many series", batchOf(1, { dt: [0], m: series(maxInBatch.series + 1) }), "(batch).m", /at most 2000/],
  [
    "too many fields of all",
    batchOf(1, { dt: [0], m: Array.from({ length: 5 }, (_, n) => ({ n: `m${n}`, f: fields(999) })) }),
    "(batch).m",
    new RegExp(`${maxSpread.fields} fields`),
  ],
  ["a measurement's name", batchOf(1, { m: [{ n: "#ü", f: { v: 1 } }] }), "#ü.n", /expected a name/],
  ["a field's name", batchOf(1, { m: [{ n: "room", f: { "a\nb": 1 } }] }), "room.a?b", /expected a name/],
  ["a tag", batchOf(1, { m: [{ n: "room", tags: { t: "\n" }, f: { v: 1 } }] }), "room.tags.t", /control character/],
  ["a value of another kind", batchOf(1, { m: [{ n: "room", f: { v: [1, {}, 3] } }] }), "room.v", /expected a value/],
  ["too few values", batchOf(1, { m: [{ n: "room", f: { v: [1] } }] }), "(batch).m", /one value for each instant/],
  ["another version", batchOf(1, { v: 2 }), "(batch).v", /expected 1/],
  ["too many levels", batchOf(1, { more: deep }), "(batch).(payload)", /deeper than 16/],
  ["bytes that are missing", batchOf(1).subarray(0, -1), "(batch).(payload)", /cut short/],
  ["bytes that are too many", Buffer.concat([batchOf(1), Buffer.alloc(1)]), "(batch).(payload)", /1 byte after/],
  ["a tag of CBOR", Buffer.concat([batchOf(1).subarray(0, -1), Buffer.of(0xc2)]), "(batch).(payload)", /tag at/],
  ["too many bytes", batchOf(1, { more: "x".repeat(batchCap) }), "(batch).(payload)", /larger than the/],
  [
    "JSON that ends early",
    Buffer.from('{"v":1, "outbox":"a", "seq":1, "t":1.5e12, "dt":[0], "m":[{"n'),
    "(batch).(payload)",
    /not valid JSON/,
  ],
];

/** What has no name either: nothing can be said to its sender but on `refused`. */
const nameless: readonly [what: string, payload: Buffer][] = [
  ["words", Buffer.from("not a batch!")],
  ["a list", encode([1, 2], "cbor")],
  ["an outbox that is none", batchOf(1, { outbox: "a b" })],
  ["a number that is none", batchOf(1, { seq: -1 })],
  ["a name within something else", Buffer.from('{"m":[{"n":"x"}],"outbox":"a","seq":1,')],
  ["nothing but a beginning", Buffer.of(0xa7, 0x66)],
  ["an endless text", Buffer.of(0xa7, 0x78, 0xff, 0x61)],
];

suite("the verdict on a batch", ({ test }) => {
  test("samples that the store refuses for good are told: one entry for a kind of reason, and the device's problem", async (scope) => {
    const at = await openIngest(scope);
    for (const seq of [1, 2, 3]) {
      at.store.refuses = `partial write: unable to parse 'room v=${seq}': missing field value dropped=${seq}`;
      at.take(batchOf(seq));
      await at.settled();
    }
    const payload = Buffer.from('{"v":1}');
    await at.ingest.simple(rpi, "room", { topic: "muster/rpi-7/metrics/room", payload, retain: false });
    await at.settled();
    const [entry, ...more] = at.contract.quarantine.list(rpi);
    assert.equal(more, []);
    const { measurement, field, got, wanted, sample, count } = entry ?? {};
    assert.equal([measurement, field, got, count], ["room", "(samples)", refusedByStore, 4]);
    assert.match(wanted ?? "", /^partial write: unable to parse '…': missing field value dropped$/);
    assert.match(sample ?? "", /'room v=1'/);
    assert.match(at.problems.join(), /^the store refuses samples of room: partial write: .*muster quarantine rpi-7\)$/);
    assert.is(at.acked.size, 3);
  });

  for (const [what, payload, where, why] of unfit)
    test(`${what}: rejected, that is acknowledged, counted and kept in the quarantine`, async (scope) => {
      const at = await openIngest(scope);
      at.take(payload);
      await at.settled();
      assert.equal([...at.acked], ["a 1"]);
      const [entry, ...more] = at.contract.quarantine.list(rpi);
      assert.equal(more, []);
      assert.is(`${entry?.measurement}.${entry?.field}`, where);
      assert.match(entry?.wanted ?? "", why);
      assert.match(entry?.sample ?? "", /in batch 1 of a$/);
      assert.is(entry?.count, 1);
      assert.match(at.refused.join(), why);
      assert.match(at.problems.join(), /set aside as a whole: .*muster quarantine rpi-7/);
      const { outstanding, missing, stored, setAside } = at.ingest.batches.completeness.of(rpi);
      assert.equal([outstanding.batches, missing, stored], [0, 0, 0]);
      assert.ok(setAside > 0);
      assert.is(at.ingest.batches.stats.refused, 1);
      at.take(payload);
      await at.settled();
      assert.is(at.contract.quarantine.list(rpi)[0]?.count, 1, "the same again is no news");
      assert.equal(at.written, []);
    });

  for (const [what, payload] of nameless)
    test(`${what}: told, and there is nothing that could be acknowledged`, async (scope) => {
      const at = await openIngest(scope);
      at.take(payload);
      await at.settled();
      assert.equal([at.acked.size, at.refused.length, at.ingest.stats.refused.invalid], [0, 1, 1]);
      assert.is(at.contract.quarantine.list(rpi).length, 1);
      assert.is(at.ingest.batches.completeness.of(rpi).expected, 0);
    });

  test("is deferred while the store is away, and then the same batch is stored", async (scope) => {
    const at = await openIngest(scope);
    at.store.away = true;
    at.take(batchOf(1));
    await at.settled();
    assert.equal([at.acked.size, at.ingest.batches.stats.deferred], [0, 1]);
    at.store.away = false;
    at.take(batchOf(1));
    await at.settled();
    assert.equal([at.acked.size, at.written.length], [1, 1]);
  });

  test("a rejected batch is not missing and not waited for, whatever comes before and after it", async (scope) => {
    const at = await openIngest(scope);
    for (const seq of [1, 2, 3, 4]) {
      at.take(batchOf(seq, seq === 3 ? { dt: "?" } : {}));
      await at.settled();
    }
    assert.equal([...at.acked].toSorted(), ["a 1", "a 2", "a 3", "a 4"]);
    const { stored, setAside, missing, outstanding } = at.ingest.batches.completeness.of(rpi);
    // As many as the others had: what it was meant to hold cannot be read.
    assert.equal([stored, setAside, missing, outstanding.batches], [9, 3, 0, 0]);
  });

  test("another reason with each message: bounded notes, and the device is written down once", async (scope) => {
    const at = await openIngest(scope);
    for (let seq = 1; seq <= 20; seq++) at.take(batchOf(seq, { m: [{ n: "room", f: { ["ü".repeat(seq * 99)]: 1 } }] }));
    await at.settled();
    for (const { measurement, field, wanted, sample } of at.contract.quarantine.list(rpi))
      for (const text of [measurement, field, wanted, sample]) assert.ok(text.length <= maxNoteLength + 40, text);
    assert.is(at.problems.length, 1);
    at.clock.advance(remembered);
    at.take(batchOf(30));
    assert.equal(at.problems.slice(1), [null]);
  });
});
