import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { newCommand, readTimes } from "./sending.ts";

suite("web command times", ({ test }) => {
  test("are read, or left to the console", () => {
    assert.equal(readTimes({ timeout: "5s", ttl: "1h" }), { ok: true, timeout: 5_000, ttl: 3_600_000 });
    assert.equal(readTimes({ timeout: "", ttl: " " }), { ok: true });
  });

  test("that are none are told of each by itself", () => {
    const result = readTimes({ timeout: "soon", ttl: "5" });
    if (result.ok) throw new Error("wrong times passed");
    assert.equal(Object.keys(result.problems), ["timeout", "ttl"]);
    assert.match(result.problems.ttl ?? "", /^Expected a unit/);
  });

  test("stand in the command only where given", () => {
    assert.equal(newCommand("ping", {}, { ok: true }), { key: "ping" });
    assert.equal(newCommand("wait", { s: 1 }, { ok: true, ttl: 5 }), { key: "wait", args: { s: 1 }, ttl: 5 });
  });
});
