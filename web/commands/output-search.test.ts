import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { findIn, maxFound, piecesAround } from "./output-search.ts";

suite("search in a command's output", ({ test }) => {
  for (const [text, wanted, places] of [
    ["one two ONE", "one", [0, 8]],
    ["a.b axb", "a.b", [0]],
    ["$(x)-[1]/{2}", "-[1]/{", [4]],
    ["aaaa", "aa", [0, 2]],
    ["Straße ÄÖ", "äö", [7]],
    ["\u0130x x", "x", [1, 3]],
    ["nothing", "", []],
    ["", "x", []],
  ] as const)
    test(`${JSON.stringify(wanted)} in ${JSON.stringify(text)}`, () => {
      const { found, more } = findIn(text, wanted);
      assert.equal(
        found.map(([from]) => from),
        places,
      );
      assert.is(more, false);
      const pieces = piecesAround(text, found);
      assert.is(pieces.map((piece) => piece.text).join(""), text);
      assert.is(pieces.filter(({ at }) => at !== undefined).length, places.length);
    });

  test("ends after so many places, and says that there are more", () => {
    assert.equal(findIn("e".repeat(maxFound), "e").more, false);
    const { found, more } = findIn("e".repeat(maxFound + 1), "e");
    assert.equal([found.length, more], [maxFound, true]);
  });
});
