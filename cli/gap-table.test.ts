import * as assert from "uvu/assert";
import type { CompletenessDocument } from "#api/completeness-routes";
import { suite } from "../test/suite.ts";
import { gapTable } from "./gap-table.ts";

const from = Date.UTC(2026, 10, 20, 10);

const device = (changes: Partial<CompletenessDocument>): CompletenessDocument => ({
  device: "rpi-7",
  since: from,
  expected: 1_200,
  stored: 1_200,
  setAside: 0,
  missing: 0,
  outstanding: { batches: 0, samples: 0, from: null, since: null },
  forgotten: { batches: 0, samples: 0 },
  gaps: [],
  moreGaps: 0,
  ...changes,
});

suite("muster devices --gaps", ({ test }) => {
  test("is a line of sums for each device, and a line for each gap", () => {
    const gap = { outbox: "a", first: 3, last: 9, batches: 7, estimated: false, to: from + 60_000 };
    const devices = [
      device({
        device: "rpi-8",
        missing: 136,
        outstanding: { batches: 2, samples: 20, from, since: from },
        gaps: [
          { ...gap, samples: 96, from, why: "the outbox is full\u001b[31m" },
          { ...gap, samples: 40, from: null, estimated: true, why: "damaged" },
        ],
        moreGaps: 5,
      }),
      device({ forgotten: { batches: 4, samples: 40 } }),
    ];
    assert.equal(gapTable(devices).split("\n"), [
      "DEVICE  STORED  MISSING  OUTSTANDING       FROM                  TO                    WHY",
      "rpi-7   1200    0        0                                                             ~40 acknowledged before the console was restored",
      "rpi-8   1200    136      ~20 in 2 batches  2026-11-20T10:00:00Z",
      "rpi-8                                                                                  and 5 older: GET /api/devices/rpi-8/completeness",
      "rpi-8           96                         2026-11-20T10:00:00Z  2026-11-20T10:01:00Z  the outbox is full�[31m",
      "rpi-8           ~40                        –                     2026-11-20T10:01:00Z  damaged",
    ]);
    assert.match(gapTable([]), /no device has sent/);
  });
});
