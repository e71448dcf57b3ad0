import * as assert from "uvu/assert";
import { encode } from "#shared/codec";
import { lastValue, pack, unpack, type FieldValue } from "#shared/columns";
import { suite } from "../test/suite.ts";

suite("columns", ({ test }) => {
  test("each list takes its smallest form", () => {
    const cases: [FieldValue[], unknown][] = [
      [[5], 5],
      [["ok", "ok"], "ok"],
      [
        [true, false],
        [true, false],
      ],
      [
        [1, null],
        [1, null],
      ],
      [
        [null, null],
        [null, null],
      ],
      [
        [3, 4, 2],
        [3, 4, 2],
      ],
      [[3.1, 3.2, 2.9, 3.1], { e: 1, d: [31, 1, -3, 2] }],
      [[1_000_000, 1_000_010, 1_000_020, 1_000_030], { e: 0, d: [1_000_000, 10, 10, 10] }],
      [
        [1 / 3, 2 / 3],
        [1 / 3, 2 / 3],
      ],
    ];
    for (const [values, form] of cases) assert.equal(pack(values), form);
  });

  test("whatever the numbers are, unpacking gives the very same ones", () => {
    const seeds = [0, -0, 0.1, -0.3, 99.999, 1e-9, 2 ** 40 + 0.5, 2 ** 53, 1e300, 12.345678901, -7, 4_294_967_296];
    for (const a of seeds) {
      for (const b of seeds) {
        const values = [a, b, a, a + b, b, b];
        const column = pack(values);
        assert.ok(
          unpack(column, values.length).every((value, index) => Object.is(value, values[index])),
          values.join(" "),
        );
        assert.ok(Object.is(lastValue(column), b));
      }
    }
  });

  test("percentages with two decimals shrink to a quarter of their floats", () => {
    const values = [12.34, 12.5, 11.98, 13.02, 12.77, 12.41];
    assert.ok(encode(pack(values), "cbor").length * 2 < encode(values, "cbor").length);
  });
});
