import * as assert from "uvu/assert";
import type { SampleValue } from "#api/device-routes";
import { suite } from "../../test/suite.ts";
import { maxBands, maxRows, maxStates, stateAt, stateColour, StateWindow } from "./state-window.ts";

const start = 1_800_000_000_000;
const minute = 60_000;

const open = (hold = minute): StateWindow => new StateWindow({ span: 10 * minute, to: start + 10 * minute, hold });

/** @param at minutes after the start */
const told = (at: number, value: SampleValue, line = "door") => ({ ts: start + at * minute, line, value });

/** A row as minutes and states, `null` for a gap. */
function bandsOf(window: StateWindow, row = 0): (readonly [at: number, state: SampleValue | null])[] {
  const { times, lines, states = [] } = window.frame();
  return (lines[row]?.cells ?? []).flatMap((cell, index) =>
    cell === undefined
      ? []
      : [[Math.round(((times[index] ?? 0) - start) / minute), cell === null ? null : (states[cell] ?? "")]],
  );
}

suite("bands of states", ({ test }) => {
  const cases: readonly (readonly [
    what: string,
    [at: number, value: SampleValue][],
    bands: [number, SampleValue | null][],
  ])[] = [
    ["none without a value", [], []],
    [
      "one value holds for as long as the device may be silent",
      [[2, "open"]],
      [
        [2, "open"],
        [3, "open"],
      ],
    ],
    [
      "a state goes on until the next",
      [
        [1, "a"],
        [2, "a"],
        [3, "b"],
        [4, "b"],
      ],
      [
        [1, "a"],
        [3, "b"],
        [7, "b"],
      ],
    ],
    [
      "in whatever order they come",
      [
        [3, "b"],
        [1, "a"],
        [2, "a"],
      ],
      [
        [1, "a"],
        [3, "b"],
        [6, "b"],
      ],
    ],
    [
      "a gap where nothing was heard for longer",
      [
        [1, true],
        [2, true],
        [8, true],
      ],
      [
        [1, true],
        [2, true],
        [2, null],
        [8, true],
        [10, true],
      ],
    ],
    [
      "no longer than the range",
      [[9.5, "a"]],
      [
        [10, "a"],
        [10, "a"],
      ],
    ],
    [
      "what began before the range goes on in it",
      [
        [-1, "a"],
        [0.5, "a"],
        [1, "b"],
      ],
      [
        [0, "a"],
        [1, "b"],
        [3, "b"],
      ],
    ],
    ["what was over before the range is not there", [[-8, "a"]], []],
  ];
  for (const [what, values, bands] of cases)
    test(what, () => {
      const window = open();
      window.add(values.map(([at, value]) => told(at, value)));
      assert.equal(bandsOf(window), bands);
    });

  test("one that is told seldom holds for three of its usual times", () => {
    const window = open(minute);
    window.add([0, 2, 4, 6].map((at) => told(at, at > 2)));
    assert.equal(bandsOf(window), [
      [0, false],
      [4, true],
      [10, true],
    ]);
  });

  test("moves with what arrives, and leaves out what is older than its newest", () => {
    const window = open();
    window.add([told(9, "a"), told(10, "a")]);
    window.add([told(11, "b"), told(8, "z")]);
    assert.equal([window.frame().from, window.frame().to], [start + minute, start + 11 * minute]);
    assert.equal(
      bandsOf(window).map(([, state]) => state),
      ["a", "b"],
    );
  });

  test("has rows side by side, and says at any moment what was told last", () => {
    const window = open(20 * minute);
    window.add([told(1, "a"), told(5, "b"), told(3, 7, "level")]);
    const { times, lines } = window.frame();
    assert.equal(
      lines.map(({ name }) => name),
      ["door", "level"],
    );
    const at = (moment: number): number => times.findLastIndex((ts) => ts <= start + moment * minute);
    assert.equal(
      [stateAt(window.frame(), 0, at(2)), stateAt(window.frame(), 0, at(4)), stateAt(window.frame(), 0, at(7))],
      ["a", "a", "b"],
    );
    assert.equal([stateAt(window.frame(), 1, at(2)), stateAt(window.frame(), 1, at(4))], [undefined, 7]);
    assert.is(stateAt(window.frame(), 9, 0), undefined);
  });

  test("keeps so many bands and rows, and counts the rows that it leaves out", () => {
    const window = new StateWindow({ span: 1e9, to: start + 1e8, hold: minute });
    window.add(
      Array.from({ length: maxBands + 10 }, (_, at) => ({ ts: start + at * 1_000, line: "door", value: at % 2 })),
    );
    assert.is(window.frame().points, maxBands);
    const wide = open();
    wide.add(Array.from({ length: maxRows + 3 }, (_, at) => told(1, "a", `row ${at}`)));
    assert.equal([wide.frame().lines.length, wide.frame().more], [maxRows, 3]);
  });

  test("what is at rest is grey, and each other value has a colour, as long as there are some", () => {
    const states: SampleValue[] = [
      false,
      true,
      "OFF",
      "open",
      ...Array.from({ length: maxStates + 2 }, (_, at) => `s${at}`),
    ];
    assert.equal(
      states.slice(0, 5).map((_, state) => stateColour(states, state)),
      [undefined, 0, undefined, 1, 2],
    );
    assert.is(stateColour(states, states.length - 1), maxStates - 1);
  });
});
