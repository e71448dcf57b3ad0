import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { maxLegendLines } from "./legend.ts";
import { chartInWords, maxTableRows, tableRows } from "./spoken.ts";
import type { Frame } from "./window.ts";

const frame = (part: Pick<Frame, "lines"> & Partial<Frame>): Frame => ({
  times: part.lines[0]?.cells.map((_, index) => index * 1_000) ?? [],
  points: 1,
  last: undefined,
  from: 0,
  to: 0,
  ...part,
});
const cpu = { title: "CPU", unit: "percent" } as const;

suite("a chart in words", ({ test }) => {
  test("says of each line the newest value and between which it was; a gap is no value", () => {
    const lines = [
      { name: "busy", cells: [12, 40, null, 20] },
      { name: "system", cells: [undefined, null, undefined, null] },
    ];
    assert.is(chartInWords(cpu, frame({ lines })), "CPU: busy 20 %, from 12 % to 40 %; system without a value");
  });

  test("says of each row of states the newest", () => {
    const lines = [
      { name: "mode", cells: [1, undefined] },
      { name: "open", cells: [undefined, 0] },
    ];
    const door = { title: "door", unit: "number" } as const;
    assert.is(
      chartInWords(door, frame({ lines, states: [false, "cooling"], more: 2 })),
      "door: mode cooling; open no; and 2 more",
    );
  });

  test("counts lines that there are too many of", () => {
    const many = Array.from({ length: maxLegendLines + 1 }, (_, index) => ({ name: `l${index}`, cells: [index] }));
    assert.match(chartInWords(cpu, frame({ lines: many })), /; and 1 more$/);
  });
});

suite("a chart's table", ({ test }) => {
  test("has the newest moment first, texts with their unit, and no row for a gap", () => {
    const lines = [
      { name: "in", cells: [1, null, 20] },
      { name: "out", cells: [undefined, null, 30] },
    ];
    assert.equal(tableRows("percent", frame({ lines })), {
      rows: [
        { ts: 2_000, cells: ["20 %", "30 %"] },
        { ts: 0, cells: ["1.0 %", ""] },
      ],
      more: 0,
    });
    const states = frame({ lines: [{ name: "open", cells: [0, 1] }], states: [true, "locked"] });
    assert.equal(
      tableRows("number", states).rows.map(({ cells }) => cells),
      [["locked"], ["yes"]],
    );
  });

  for (const beyond of [0, 1])
    test(`has ${maxTableRows} moments at most, the newest, and counts the rest: ${beyond} more`, () => {
      const lines = [{ name: "in", cells: Array.from({ length: maxTableRows + beyond }, (_, index) => index) }];
      const { rows, more } = tableRows("number", frame({ lines }));
      assert.equal([rows.length, more], [maxTableRows, beyond]);
      assert.is(rows[0]?.cells[0], String(maxTableRows + beyond - 1));
    });
});
