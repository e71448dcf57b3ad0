import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import type { Gap } from "#shared/messages/metrics";
import { suite } from "../../../test/suite.ts";
import { columns } from "./fixture.ts";
import { batchRecord, gapRecord, type AckRange, type Stored } from "./record.ts";
import {
  headerBytes,
  parseSegment,
  payloadAt,
  recordBytes,
  recordHead,
  unreadable,
  type SegmentHeader,
} from "./segment-file.ts";

const clock = new ManualClock();
const names = { outbox: "box", run: "r1", epoch: "e1" };
const header: SegmentHeader = { ...names, first: 5 };

function record(seq: number): Stored {
  const made = batchRecord({ ...names, seq }, columns(clock, `value ${seq}`), 7);
  assert.ok(made);
  return made;
}

/** A segment of batches 5 to 8, in its parts. */
const head = headerBytes(header);
const [five, six, seven, eight] = [5, 6, 7, 8].map((seq) => recordBytes(record(seq))) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];
const size = five.length;
/** What the smallest batch takes bounds what a stretch of noise may have held. */
const noise = Buffer.alloc(2 * (recordHead + 40), 0x5a);

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};
const cut = (bytes: Buffer, by: number): Buffer => bytes.subarray(0, bytes.length - by);
/** As after a power cut: the length is there, and from a sector's border on no content. */
const zeroed = (bytes: Buffer, from: number): Buffer =>
  Buffer.concat([bytes.subarray(0, from), Buffer.alloc(bytes.length - from)]);

interface Expected {
  readonly state: ReturnType<typeof parseSegment>["state"];
  readonly seqs: readonly number[];
  readonly lost?: readonly AckRange[];
  /** Whether it is known whose it is. */
  readonly outbox?: undefined;
}

const whole = [head, five, six, seven, eight];
const cases: readonly (readonly [what: string, parts: readonly Buffer[], expected: Expected])[] = [
  ["whole", whole, { state: "whole", seqs: [5, 6, 7, 8] }],
  ["of no records", [head], { state: "whole", seqs: [] }],
  ["empty", [], { state: "torn", seqs: [], outbox: undefined }],
  ["torn in its header", [cut(head, 9)], { state: "torn", seqs: [], outbox: undefined }],
  ["torn in its first record", [head, cut(five, 1)], { state: "torn", seqs: [] }],
  ["torn in its last record", [head, five, six, seven, cut(eight, 1)], { state: "torn", seqs: [5, 6, 7] }],
  ["torn in that one's head", [head, five, eight.subarray(0, 20)], { state: "torn", seqs: [5] }],
  ["with a tail that has no content", [head, five, Buffer.alloc(2_000)], { state: "torn", seqs: [5] }],
  ["with zeros alone", [Buffer.alloc(4_096)], { state: "torn", seqs: [], outbox: undefined }],
  [
    "a flipped bit in the middle",
    [head, five, flipped(six, 70), seven, eight],
    { state: "damaged", seqs: [5, 7, 8], lost: [[6, 6]] },
  ],
  ["in its length", [head, five, flipped(six, 1), seven, eight], { state: "damaged", seqs: [5, 7, 8], lost: [[6, 6]] }],
  ["in its number", [head, five, flipped(six, 15), seven], { state: "damaged", seqs: [5, 7], lost: [[6, 6]] }],
  [
    "in two neighbours",
    [head, five, flipped(six, 70), flipped(seven, 70), eight],
    { state: "damaged", seqs: [5, 8], lost: [[6, 7]] },
  ],
  [
    "in the last one, which may have been sent",
    [head, five, flipped(six, 70)],
    { state: "damaged", seqs: [5], lost: [[6, 6]] },
  ],
  ["in the header: a batch says whose it is", [flipped(head, 30), five, six], { state: "damaged", seqs: [5, 6] }],
  ["in the header's magic", [flipped(head, 0), five, six], { state: "damaged", seqs: [5, 6] }],
  ["noise behind the records", [head, five, noise], { state: "damaged", seqs: [5], lost: [[6, 7]] }],
  ["noise between them", [head, five, noise, seven], { state: "damaged", seqs: [5, 7], lost: [[6, 6]] }],
  ["nothing but noise", [noise], { state: "damaged", seqs: [], lost: [[5, 6]], outbox: undefined }],
  ["a record that is missing", [head, five, seven], { state: "damaged", seqs: [5, 7], lost: [[6, 6]] }],
  [
    "one that an earlier damage has cost",
    [headerBytes({ ...header, lost: [[6, 6]] }), five, seven],
    { state: "whole", seqs: [5, 7], lost: [[6, 6]] },
  ],
  ["one that comes twice", [head, five, five, six], { state: "damaged", seqs: [5, 6] }],
];

suite("a segment's bytes", ({ test }) => {
  for (const [what, parts, { state, seqs, lost = [], ...rest }] of cases)
    test(`read: ${what}`, () => {
      const bytes = Buffer.concat(parts);
      const parsed = parseSegment(bytes, 5);
      assert.equal([parsed.state, parsed.records.map(({ stored }) => stored.seq), parsed.lost], [state, seqs, lost]);
      assert.is(parsed.outbox, "outbox" in rest ? undefined : "box");
      for (const { offset, stored } of parsed.records)
        assert.equal(payloadAt(bytes, offset), record(stored.seq).payload);
    });

  test("a cut at any byte costs what was being written, and nothing before it", () => {
    const bytes = Buffer.concat(whole);
    for (let length = 0; length < bytes.length; length += 1) {
      const { state, records, lost } = parseSegment(bytes.subarray(0, length), 5);
      const intact = Math.max(0, Math.floor((length - head.length) / size));
      const onBorder = length >= head.length && (length - head.length) % size === 0;
      assert.equal([state, records.length, lost], [onBorder ? "whole" : "torn", intact, []], `cut at ${length}`);
    }
  });

  test("a flipped bit anywhere costs the record that it is in, and that is known", () => {
    const bytes = Buffer.concat(whole);
    for (let at = 0; at < bytes.length; at += 1) {
      const { state, records, lost } = parseSegment(flipped(bytes, at), 5);
      const spoiled = at < head.length ? undefined : 5 + Math.floor((at - head.length) / size);
      const seqs = [5, 6, 7, 8].filter((seq) => seq !== spoiled);
      assert.equal([state, records.map(({ stored }) => stored.seq)], ["damaged", seqs], `flipped at ${at}`);
      // How long the last one was may be what was spoiled: so many as would have fitted then.
      const most = spoiled === 8 ? (lost[0]?.[1] ?? 0) : spoiled;
      assert.equal(lost, spoiled === undefined ? [] : [[spoiled, most]], `flipped at ${at}`);
      assert.ok((most ?? 0) <= 9, `flipped at ${at}`);
    }
  });

  test("a content that is missing from a sector on is no damage", () => {
    const bytes = Buffer.concat([...whole, ...[9, 10, 11, 12].map((seq) => recordBytes(record(seq)))]);
    for (let border = 512; border < bytes.length - 16; border += 512) {
      const { state, lost } = parseSegment(zeroed(bytes, border), 5);
      assert.equal([state, lost], ["torn", []], `zeros from ${border}`);
    }
  });

  test("what is known of a record is what was written, gaps and their kind among it", () => {
    const gap: Gap = { from: 1, to: 4, samples: 9, why: "the outbox was full" };
    for (const kind of ["left", "damaged"] as const) {
      const stored = gapRecord({ ...names, seq: 5 }, { kind, gap }, { t: clock.now(), mono: 3 });
      const [found] = parseSegment(Buffer.concat([head, recordBytes(stored)]), 5).records;
      const { payload, ...known } = stored;
      assert.equal(found?.stored, known);
      assert.is(found?.length, payload.length);
    }
  });

  test("of a file that cannot be read at all as many numbers are lost as it may have held", () => {
    assert.equal(unreadable(5, 0).lost, [[5, 5]]);
    assert.equal(unreadable(5, 10 * (recordHead + 40)).lost, [[5, 15]]);
  });
});
