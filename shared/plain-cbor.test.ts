import * as assert from "uvu/assert";
import { encode } from "#shared/codec";
import { encodePlain } from "#shared/plain-cbor";
import { Random } from "../chaos/random.ts";
import { suite } from "../test/suite.ts";

const edges = [
  0,
  -0,
  1,
  -1,
  23,
  24,
  -24,
  -25,
  255,
  256,
  -256,
  -257,
  65_535,
  65_536,
  2 ** 32 - 1,
  2 ** 32,
  -(2 ** 32),
  -(2 ** 32) - 1,
];
const numbers = [...edges, 0.5, 1 / 3, 1e300, 2 ** 53, Number.NaN, Infinity];
const texts = [0, 1, 11, 12, 23, 24, 85, 127, 255, 256, 21_845, 32_768, 65_535, 65_536].flatMap((length) =>
  ["x", "ü", "€", "😀"].map((letter) => letter.repeat(length)),
);

suite("plain CBOR", ({ test }) => {
  test("each kind of value at its edges, byte for byte", () => {
    const lists = [0, 23, 24, 255, 256, 70_000].map((length) => Array.from({ length }, () => 1));
    const maps = [0, 23, 24, 300].map((length) =>
      Object.fromEntries(lists[3]?.slice(0, length).map((_, at) => [`k${at}`, at]) ?? []),
    );
    for (const value of [...numbers, ...texts, true, false, null, undefined, ...lists, ...maps])
      assert.ok(encodePlain(value).equals(encode(value, "cbor")), JSON.stringify(value)?.slice(0, 20));
  });

  test("values within each other, whatever came before", () => {
    const random = new Random("plain values");
    const some = (depth: number): unknown => {
      if (depth === 0 || random.chance(0.5))
        return random.chance(0.5) ? random.pick(numbers) : random.pick(texts).slice(0, 300);
      const items = Array.from({ length: random.between(0, 30) }, () => some(depth - 1));
      return random.chance(0.5)
        ? items
        : Object.fromEntries(items.map((item, at) => [`${random.pick(texts).slice(0, 30)}${at}`, item]));
    };
    for (let round = 0; round < 60; round++) {
      const value = some(3);
      assert.ok(encodePlain(value).equals(encode(value, "cbor")), JSON.stringify(value));
    }
  });
});
