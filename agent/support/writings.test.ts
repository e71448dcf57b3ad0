import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { minMeasured, writings } from "./writings.ts";

suite("what an agent writes", ({ test }) => {
  test("in this run, and from ten minutes on in a day", () => {
    const wrote = { bytes: 1_000, syncs: 3 };
    assert.equal(writings(wrote, minMeasured - 1, 4_096), { ...wrote, written: 4_096 });
    const aDay = { aDay: 144_000, writtenADay: 589_824 };
    assert.equal(writings(wrote, minMeasured, 4_096), { ...wrote, written: 4_096, ...aDay });
  });
});
