import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import {
  learned,
  learnedOf,
  livenessOf,
  nearNow,
  roundLength,
  silentAfter,
  silentByDefault,
  usualGap,
  type Liveness,
  type Rhythm,
} from "./liveness.ts";

/** @param gaps seconds between messages */
function rhythmOf(...gaps: readonly number[]): Rhythm | undefined {
  let [now, rhythm] = [1_000_000, learned(undefined, 1_000_000)];
  for (const gap of gaps) {
    now += gap * 1_000;
    rhythm = learned(rhythm, now);
  }
  return rhythm;
}

const many = (times: number, ...gaps: number[]): number[] => Array.from({ length: times }, () => gaps).flat();

suite("the rhythm of what only publishes", ({ test }) => {
  const cases: [what: string, gaps: number[], atLeast: number, atMost: number][] = [
    ["one message says nothing", [], silentByDefault, silentByDefault],
    ["two messages are a rhythm", [60], 185_000, 185_000],
    ["every minute", many(20, 60), 185_000, 185_000],
    ["ten in a second", many(100, 0.1), 8_000, 9_000],
    ["three series in a row, every minute", many(20, 0.05, 0.05, 59.9), 180_000, 190_000],
    ["an unsteady one is given its longest gaps", many(10, 50, 70, 60), 180_000, 215_000],
    ["an outage of a day is no habit", [...many(20, 60), 86_400, 60], 185_000, 370_000],
    ["an outage is forgotten", [...many(20, 60), 86_400, ...many(30, 60)], 185_000, 200_000],
    ["a slower habit is learned within eight rounds", [...many(20, 10), ...many(8, 1_000)], 3_000_000, 3_010_000],
    ["a faster one within thirty", [...many(5, 3_600), ...many(50, 10)], 35_000, 60_000],
    ["a clock that is set back changes nothing", [...many(20, 60), -7_200, 60], 185_000, 185_000],
  ];
  for (const [what, gaps, atLeast, atMost] of cases)
    test(what, () => {
      const after = silentAfter(rhythmOf(...gaps));
      assert.ok(after >= atLeast && after <= atMost, `silent after ${after} ms: expected ${atLeast} to ${atMost}`);
    });

  test("the usual gap is told from when a device is silent, where one is known", () => {
    assert.is(usualGap(silentAfter(rhythmOf(60, 60))), 60_000);
    for (const unknown of [null, undefined, silentByDefault]) assert.is(usualGap(unknown), undefined);
  });

  test("a backlog that comes in one go is no rhythm: rounds are as far apart as their samples", () => {
    let rhythm: Rhythm | undefined;
    const [start, samples] = [1_800_000_000_000, 100];
    for (let at = 0; at <= samples; at++)
      rhythm = learnedOf(rhythm, start - (samples - at) * 60_000, start - (samples - at) * 1_500);
    assert.is(usualGap(silentAfter(rhythm)), 60_000);
    assert.is(learnedOf(undefined, start - nearNow - 1, start), undefined, "what is old is left out");
    assert.equal(learnedOf(undefined, start - nearNow, start), { round: start - nearNow, gap: undefined });
    assert.equal(learnedOf(undefined, start + 1, start), { round: start, gap: undefined }, "clocks that are ahead");
    assert.equal(learnedOf(undefined, undefined, start), { round: start, gap: undefined });
  });

  test("what comes within a round of it is no round of its own", () => {
    const first = learned(undefined, 0);
    assert.is(learned(first, roundLength - 1), first);
    assert.equal(learned(first, roundLength), { round: roundLength, gap: roundLength });
  });
});

suite("how a device is", ({ test }) => {
  const silent = { online: false, boot: null, lastSeen: 1_000, silentAfter: 500 };
  const cases: [string, Parameters<typeof livenessOf>[0], number, Liveness][] = [
    ["an agent that is there", { ...silent, boot: "b", online: true }, 9_000, "online"],
    ["an agent that is gone, however lately", { ...silent, boot: "b" }, 1_001, "offline"],
    ["what was never heard", { ...silent, lastSeen: null }, 1_001, "offline"],
    ["what has just sent", silent, 1_001, "reporting"],
    ["at the edge", silent, 1_500, "reporting"],
    ["beyond", silent, 1_501, "silent"],
    [
      "from a console that knows no rhythm",
      { ...silent, silentAfter: undefined },
      1_000 + silentByDefault,
      "reporting",
    ],
  ];
  for (const [what, lived, now, expected] of cases) test(what, () => assert.is(livenessOf(lived, now), expected));
});
