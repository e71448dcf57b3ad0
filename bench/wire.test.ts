import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { sizes } from "./wire.ts";

suite("bytes on the wire", ({ test }) => {
  test("six samples in a message take a quarter of what JSON takes, or less, with the same values", async () => {
    const { ours, json, lines } = await sizes(6);
    assert.ok(ours <= json / 4, `${ours} of ${json}`);
    assert.ok(lines < json, `${lines} of ${json}`);
  });
});
