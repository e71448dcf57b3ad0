import * as assert from "uvu/assert";
import { maxSpread, maxUnsent } from "#shared/messages/batch-check";
import { suite } from "../../test/suite.ts";
import { batchOf, openIngest, rpi } from "./fixture.ts";

const top = Number.MAX_SAFE_INTEGER;

/** Numbers in the order in which they come, with \`first\` where it is told; all are stored. */
const jumps: readonly [what: string, sent: readonly (readonly [seq: number, first?: number])[], outstanding: number][] =
  [
    ["a counter that was damaged", [[1], [2], [top], [3]], 0],
    ["with a first that fits it", [[1], [2], [top, top], [3]], 0],
    ["a first beyond all", [[1], [2, top], [3, top]], 0],
    ["it was damaged from the beginning", [[top], [1], [2]], 0],
    ["each one another", [[1], [2 ** 40], [2 ** 50], [2 ** 45], [2]], 0],
    ["as far as an outbox can be", [[1], [maxUnsent + 2]], maxUnsent],
    ["one farther", [[1], [maxUnsent + 3]], 0],
    ["as far below", [[maxUnsent + 2], [1]], maxUnsent],
    ["step by step", [[1], [maxUnsent], [2 * maxUnsent], [3 * maxUnsent]], maxUnsent - 2],
  ];

suite("numbers that no outbox can have", ({ test }) => {
  for (const [what, sent, outstanding] of jumps)
    test(`${what}: the samples are stored, and nothing is awaited for ever`, async (scope) => {
      const at = await openIngest(scope);
      for (const turn of [1, 2])
        for (const [seq, first] of sent) {
          at.take(batchOf(seq, { run: "r1", t: Date.UTC(2026, 0, 1), ...(first === undefined ? {} : { first }) }));
          await at.settled();
          assert.is(at.acks.at(-1)?.ranges.at(-1)?.at(-1) ?? seq, seq, `${turn}`);
        }
      const report = at.ingest.batches.completeness.of(rpi);
      const { batches } = report.outstanding;
      assert.equal([batches, report.missing, report.forgotten.batches], [outstanding, 0, 0]);
      assert.is(at.written.length, sent.length);
      const isFar = sent.some(([seq]) => Math.abs(seq - (sent[0]?.[0] ?? 0)) > maxUnsent + 1);
      assert.equal(at.begun, isFar ? ["a r1"] : []);
      if (isFar) assert.match(at.forks.join(), /gives numbers that are more than 10000000 from all before/);
    });

  for (const [what, seq, dropped, why] of [
    ["a gap from nowhere", maxUnsent + 2, { from: 1, to: 5 }, /dropped.from: .* at most 10000000 below/],
    ["of more samples than batches hold", 9, { from: 8, to: 8, samples: maxSpread.values + 1 }, /dropped.samples: /],
    ["of no batches", 9, { from: 8, to: 7, samples: 1 }, /dropped.samples: /],
  ] as const)
    test(`${what}: rejected, and nothing is missing because of it`, async (scope) => {
      const at = await openIngest(scope);
      at.take(batchOf(seq, { dt: [], m: [], dropped: { why: "full", ...dropped } }));
      await at.settled();
      assert.equal([...at.acked], [`a ${seq}`]);
      assert.match(at.refused.join(), why);
      const { missing, outstanding } = at.ingest.batches.completeness.of(rpi);
      assert.equal([missing, outstanding.batches], [0, 0]);
    });

  test("a gap of as much as there can be is missing", async (scope) => {
    const at = await openIngest(scope);
    const dropped = { why: "full", from: 1, to: maxUnsent, samples: maxUnsent * 5 };
    at.take(batchOf(maxUnsent + 1, { dt: [], m: [], dropped }));
    await at.settled();
    assert.is(at.ingest.batches.completeness.of(rpi).missing, maxUnsent * 5);
  });
});
