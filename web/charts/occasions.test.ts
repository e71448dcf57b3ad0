import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import {
  alertOccasions,
  commandOccasions,
  gapOccasions,
  maxMarks,
  near,
  rebootsIn,
  countOccasions,
  within,
} from "./occasions.ts";

const hour = 3_600_000;
const start = 1_800_000_000_000;
const seconds = (ts: number): number => ts / 1_000;

suite("marks on charts", ({ test }) => {
  const boots: readonly (readonly [what: string, points: (readonly [number, number | null])[], marks: number[]])[] = [
    [
      "one boot time",
      [
        [start, seconds(start - hour)],
        [start + 60_000, seconds(start - hour)],
      ],
      [],
    ],
    [
      "a start between two points",
      [
        [start, seconds(start - hour)],
        [start + 60_000, seconds(start + 30_000)],
      ],
      [start + 30_000],
    ],
    [
      "a start within a step, of which the mean says nothing",
      [
        [start, seconds(start - hour)],
        [start + 60_000, seconds(start - hour / 2)],
        [start + 120_000, seconds(start + 90_000)],
      ],
      [start + 90_000],
    ],
    [
      "a clock that was set, with the boot time",
      [
        [start, seconds(start - hour)],
        [start + 60_000, seconds(start - hour + 5_000)],
      ],
      [],
    ],
    [
      "a clock that was set back",
      [
        [start, seconds(start - hour)],
        [start + 60_000, seconds(start - 2 * hour)],
      ],
      [],
    ],
    [
      "a point without a value",
      [
        [start, null],
        [start + 60_000, seconds(start + 30_000)],
      ],
      [],
    ],
    ["nothing", [], []],
  ];
  for (const [what, points, marks] of boots)
    test(`of machines' starts: ${what}`, () =>
      assert.equal(
        rebootsIn(points).map(({ from }) => from),
        marks,
      ));

  test("of commands say what became of them, of gaps why; one without a time has no place", () => {
    assert.equal(commandOccasions([{ key: "ping", ts: start, state: "timed_out", by: "ann" }]), [
      { kind: "command", from: start, to: start, text: "ping timed out (ann)" },
    ]);
    assert.equal(
      gapOccasions([
        { from: start, to: start + hour, why: "the outbox was full" },
        { from: null, to: null, why: "unknown" },
      ]),
      [{ kind: "gap", from: start, to: start + hour, text: "no values: the outbox was full" }],
    );
  });

  test("are those of the time that is shown, the newest of too many, and named when the pointer is near", () => {
    const many = commandOccasions(
      Array.from({ length: maxMarks + 5 }, (_, at) => ({
        key: `k${at}`,
        ts: start + at,
        state: "succeeded",
        by: "ann",
      })),
    );
    assert.is(within(many, start, start + hour).length, maxMarks);
    assert.is(within(many, start, start + hour)[0]?.from, start + 5);
    const gap = gapOccasions([{ from: start, to: start + hour, why: "why" }]);
    const ping = commandOccasions([{ key: "ping", ts: start + 2 * hour, state: "succeeded", by: "ann" }]);
    const all = within([...ping, ...gap], start + hour, start + 3 * hour);
    assert.equal(
      all.map(({ kind }) => kind),
      ["gap", "command"],
    );
    assert.equal(near(all, start + hour / 2, 3 * hour), gap);
    assert.equal(near(all, start + 2 * hour + 60_000, 3 * hour), ping);
    assert.equal(near(all, start + 2.5 * hour, 3 * hour), []);
    assert.is(countOccasions(all), "1 command, 1 gap");
    assert.is(countOccasions([...ping, ...ping]), "2 commands");
    assert.is(countOccasions([]), "");
    const alert = { title: "memory is used up", rule: "Memory", text: "97 %", why: null, fired: start, resolved: null };
    const alerts = alertOccasions([alert, { ...alert, resolved: start + hour, why: "it went" }]);
    assert.equal(
      within(alerts, start + 2 * hour, start + 3 * hour).map(({ text, to }) => [text, to]),
      [["Memory: memory is used up · 97 %", Infinity]],
      "one that fires goes on",
    );
    assert.is(alerts[1]?.text, "Memory: memory is used up · 97 % · it went");
    assert.is(countOccasions([...alerts, ...ping]), "2 alerts, 1 command");
  });
});
