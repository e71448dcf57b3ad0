import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { describeTarget } from "./target-text.ts";

suite("a job's target", ({ test }) => {
  test("names some devices, and counts more", () => {
    assert.is(describeTarget({ devices: ["a", "b", "c"] }), "a, b, c");
    assert.is(describeTarget({ devices: ["a", "b", "c", "d"] }), "4 devices");
    assert.is(describeTarget({ group: "lab" }), "group lab");
    assert.is(describeTarget({ all: true }), "all devices");
  });
});
