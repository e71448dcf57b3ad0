import * as assert from "uvu/assert";
import { suite } from "../../../test/suite.ts";
import { has, holes, size, withRange, type Ranges } from "./ranges.ts";

suite("ranges of numbers", ({ test }) => {
  test("what touches or overlaps is joined", () => {
    const cases: [Ranges, [number, number], Ranges][] = [
      [[], [5, 5], [5, 5]],
      [
        [1, 3],
        [4, 4],
        [1, 4],
      ],
      [
        [1, 3],
        [5, 5],
        [1, 3, 5, 5],
      ],
      [
        [5, 9],
        [1, 3],
        [1, 3, 5, 9],
      ],
      [
        [1, 3, 5, 9],
        [4, 4],
        [1, 9],
      ],
      [
        [1, 3, 5, 6, 10, 12],
        [2, 10],
        [1, 12],
      ],
      [
        [1, 3, 5, 6, 10, 12],
        [0, 20],
        [0, 20],
      ],
      [
        [4, 9],
        [3, 3],
        [3, 9],
      ],
    ];
    for (const [ranges, [from, to], expected] of cases) assert.equal(withRange(ranges, from, to), expected);
    const known: Ranges = [1, 9, 20, 30];
    assert.is(withRange(known, 20, 29), known);
  });

  test("holes are what is not in them", () => {
    const cases: [Ranges, [number, number], Ranges][] = [
      [[], [1, 3], [1, 3]],
      [[1, 3], [1, 3], []],
      [
        [2, 3, 6, 6],
        [1, 9],
        [1, 1, 4, 5, 7, 9],
      ],
      [
        [1, 3, 6, 9],
        [2, 8],
        [4, 5],
      ],
      [
        [1, 3],
        [5, 6],
        [5, 6],
      ],
      [
        [8, 9],
        [5, 6],
        [5, 6],
      ],
    ];
    for (const [ranges, [from, to], expected] of cases) assert.equal(holes(ranges, from, to), expected);
  });

  test("agree with a plain set, in any order of numbers", () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 16_807) % 2_147_483_647);
    let ranges: Ranges = [];
    const plain = new Set<number>();
    for (let turn = 0; turn < 400; turn += 1) {
      const from = random() % 300;
      const to = from + (random() % 4);
      ranges = withRange(ranges, from, to);
      for (let number = from; number <= to; number += 1) plain.add(number);
      assert.is(size(ranges), plain.size);
    }
    for (let number = 0; number < 310; number += 1) assert.is(has(ranges, number), plain.has(number), String(number));
    assert.is(size(holes(ranges, 0, 309)), 310 - plain.size);
  });
});
