import * as assert from "uvu/assert";
import type { CompletenessDocument, GapDocument } from "#api/completeness-routes";
import { suite } from "../../test/suite.ts";
import { countsOf, gapRows } from "./completeness-rows.ts";

const none = { batches: 0, samples: 0, from: null, since: null };
const known: CompletenessDocument = {
  device: "rpi-7",
  since: 1,
  expected: 1_234_567,
  stored: 1_234_567,
  setAside: 0,
  missing: 0,
  outstanding: none,
  forgotten: none,
  gaps: [],
  moreGaps: 0,
};

suite("web completeness", ({ test }) => {
  test("counts say what is an estimate, and mark what is wrong", () => {
    assert.equal(
      countsOf(known).map(({ name, value, bad }) => [name, value, bad]),
      [
        ["expected", "1,234,567", false],
        ["stored", "1,234,567", false],
        ["missing", "0", false],
        ["outstanding", "0", false],
      ],
    );
    const counts = countsOf({
      ...known,
      missing: 3,
      setAside: 2,
      forgotten: { batches: 4, samples: 40 },
      outstanding: { batches: 1, samples: 10, from: null, since: null },
    });
    assert.equal(
      counts.slice(2).map(({ name, value, note, bad }) => [name, value, note, bad]),
      [
        ["missing", "3", undefined, true],
        ["outstanding", "~10", "in 1 batch", false],
        ["forgotten", "~40", "acknowledged before the console was restored", false],
        ["set aside", "2", undefined, true],
      ],
    );
  });

  test("gaps are shown newest first, and no more than fifty", () => {
    const gaps = Array.from({ length: 60 }, (_, at): GapDocument => ({
      outbox: at === 0 ? null : "a",
      first: at,
      last: at,
      batches: 1,
      samples: 1_000 + at,
      estimated: at % 2 === 1,
      from: at,
      to: at,
      why: "full",
    }));
    const { rows, older } = gapRows(gaps);
    assert.equal([rows.length, older], [50, 10]);
    assert.equal([rows[0]?.key, rows[0]?.samples], ["a-59", "~1,059"]);
    assert.is(new Set(rows.map(({ key }) => key)).size, 50);
  });
});
