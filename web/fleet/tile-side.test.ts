import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { groupShares, tileSide, tileSides } from "./tile-side.ts";

const screen = { width: 1_280, height: 720 };

suite("web mosaic", ({ test }) => {
  test("has tiles as large as all fit, within reason", () => {
    const { least, most, mostOnWall } = tileSides;
    assert.is(tileSide(3, screen, most), most);
    assert.is(tileSide(1, screen, mostOnWall), mostOnWall);
    const side = tileSide(302, screen, mostOnWall);
    assert.ok(side > most && Math.floor(1_280 / side) * Math.floor(720 / side) >= 302, `${side} px`);
    assert.ok(Math.floor(1_280 / (side + 1)) * Math.floor(720 / (side + 1)) < 302);
    assert.is(tileSide(100_000, screen, most), least);
    assert.is(tileSide(5, { width: 0, height: 0 }, most), least);
  });

  test("gives groups room by how many they are of", () => {
    const [few = 0, many = 0] = groupShares([2, 300]);
    assert.ok(few > 0.05 && many > 0.9, `${few} ${many}`);
    assert.equal(groupShares([5, 5]), [0.5, 0.5]);
    assert.equal(groupShares([]), []);
  });
});
