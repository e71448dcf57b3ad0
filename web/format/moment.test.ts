import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { formatUntil, typedDuration, writtenDuration } from "./format-duration.ts";
import { formatMoment, formatWhole } from "./moment.ts";
import { inReadersZone, piecesOf } from "./told-moments.ts";

const ts = Date.UTC(2026, 10, 21, 12, 3, 4, 56);
const now = Date.UTC(2026, 10, 25);

suite("a time as it is typed", ({ test }) => {
  test("is read as what it was", () => {
    const cases = [
      [5_000, "5s"],
      [5_400_000, "1h30m"],
      [90_061_001, "1d1h1m1s1ms"],
    ] as const;
    for (const [ms, text] of cases) {
      assert.is(writtenDuration(ms), text);
      assert.equal(typedDuration(text), { ms });
    }
  });
});

suite("moments in sentences", ({ test }) => {
  const cases: readonly (readonly [sentence: string, pieces: ReturnType<typeof piecesOf>])[] = [
    ["it ended", ["it ended"]],
    ["", [""]],
    ["2026-11-21T12:03:04.056Z", [{ ts }]],
    ["withdrawn by 2026-11-21 12:03:04 UTC, when", ["withdrawn by ", { ts: ts - 56 }, ", when"]],
    ["until 2026-11-21T12:03Z.", ["until ", { ts: ts - 4_056 }, "."]],
    ["2026-11-21T12:03:04.056Z to 2026-11-21T12:03:04.056Z", [{ ts }, " to ", { ts }]],
    // Nobody says of which zone these are, or they are none.
    ["on 2026-11-21", ["on 2026-11-21"]],
    ["on 2026-11-21 12:03", ["on 2026-11-21 12:03"]],
    ["at 2026-13-41T12:03:04Z", ["at 2026-13-41T12:03:04Z"]],
    ["A12026-11-21T12:03:04Z", ["A12026-11-21T12:03:04Z"]],
  ];
  for (const [sentence, pieces] of cases)
    test(`in ${JSON.stringify(sentence)}`, () => assert.equal(piecesOf(sentence), pieces));

  test("are told in the reader's zone", () => {
    assert.is(
      inReadersZone("over since 2026-11-21T12:03:04.056Z: enrol it again", now),
      `over since ${formatMoment(ts, now)}: enrol it again`,
    );
  });

  test("are whole on hover: day, year, milliseconds and zone", () => {
    assert.match(formatWhole(ts), /2[012] Nov 2026.*\d\d:03:04\.056 \S+$/);
  });

  test("to come are told in how long", () => {
    assert.equal(
      [0, 999, 61_000, 86_400_000 * 2].map((ahead) => formatUntil(now + ahead, now)),
      ["now", "now", "in 1 m", "in 2 d"],
    );
    assert.is(formatUntil(now - 61_000, now), "1 m ago");
  });
});
