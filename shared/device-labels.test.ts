import * as assert from "uvu/assert";
import { BadInputError } from "#shared/errors";
import { suite } from "../test/suite.ts";
import { maxDisplayName, maxDeviceNote, maxDeviceTags, relabelled, type LabelChange } from "./device-labels.ts";

const tags = (count: number): string[] => Array.from({ length: count }, (_, at) => `t${at}`);

suite("what people call devices", ({ test }) => {
  test("what is left out of a change stays, and null takes it away", () => {
    const all = relabelled({}, { name: " Garage, north ", note: "by the door\r\nkey at Ann's", tags: ["b", "a", "b"] });
    assert.equal(all, { name: "Garage, north", note: "by the door\nkey at Ann's", tags: ["a", "b"] });
    assert.equal(relabelled(all, { note: null }), { name: "Garage, north", tags: ["a", "b"] });
    assert.equal(relabelled(all, { name: "", tags: [] }), { note: "by the door\nkey at Ann's" });
    assert.equal(relabelled(all, {}), all);
  });

  const good: readonly LabelChange[] = [
    { name: "x".repeat(maxDisplayName) },
    { note: "x".repeat(maxDeviceNote) },
    { tags: tags(maxDeviceTags) },
    { name: "Küche <b>Ünten</b> 厨房 👩‍🔧" },
    { tags: ["Süd", "rack:3/4", "v1.2"] },
  ];
  for (const change of good)
    test(`taken: ${JSON.stringify(change).slice(0, 60)}`, () => assert.equal(relabelled({}, change), sorted(change)));

  const bad: readonly (readonly [LabelChange, RegExp])[] = [
    [{ name: "x".repeat(maxDisplayName + 1) }, /101 characters: expected 100 at most/],
    [{ note: "x".repeat(maxDeviceNote + 1) }, /1001 characters: expected 1000 at most/],
    [{ tags: tags(maxDeviceTags + 1) }, /33 tags: expected 32 at most/],
    [{ name: "two\nlines" }, /no line shows/],
    [{ name: "\u001b[31mred" }, /no line shows/],
    [{ name: "gnp.\u202eexe" }, /no line shows/],
    [{ note: "a\u0000b" }, /no line shows/],
    [{ tags: ["two words"] }, /the tag "two words" is not valid/],
    [{ tags: ["a,b"] }, /is not valid/],
    [{ tags: ["x".repeat(64)] }, /is not valid/],
    [{ tags: [""] }, /is not valid/],
  ];
  for (const [change, why] of bad)
    test(`refused: ${JSON.stringify(change).slice(0, 60)}`, () => {
      try {
        relabelled({}, change);
        assert.unreachable("it was taken");
      } catch (error) {
        assert.instance(error, BadInputError);
        assert.match((error as Error).message, why);
      }
    });
});

function sorted({ tags: words, ...rest }: LabelChange): LabelChange {
  return words ? { ...rest, tags: [...words].sort() } : rest;
}
