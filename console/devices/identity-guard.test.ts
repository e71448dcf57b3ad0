import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { IdentityGuard, twoMachines } from "./identity-guard.ts";

suite("identity guard", ({ test }) => {
  test("of two machines with one disk copied the later is refused, and the earlier never", () => {
    const guard = new IdentityGuard();
    const born = (boot: string, at: number): boolean => guard.born({ instance: "a", boot }, at);
    assert.equal(
      ["b1", "b2", "b1", "b2", "b1", "b2"].map((boot, at) => born(boot, at)),
      [false, false, false, true, false, true],
    );
  });

  test("one that is started again and again, or loses its connection, is never refused", () => {
    const guard = new IdentityGuard();
    for (let at = 0; at < 60; at += 1) assert.not(guard.born({ instance: "a", boot: `b${at >> 1}` }, at * 1_000));
    for (let at = 0; at < 9; at += 1) assert.not(guard.born({ boot: at % 2 ? "b1" : "b2" }, at));
  });

  test("of two installations one is refused, whatever their runs are, and never both", () => {
    const guard = new IdentityGuard();
    const owner = { instance: "a", boot: "a1" };
    guard.born(owner, 0);
    guard.born({ instance: "b", boot: "b1" }, 1);
    for (let at = 2; at < 20; at += 2) {
      assert.not(guard.born(owner, at));
      assert.ok(guard.born({ instance: "b", boot: `b${at}` }, at + 1), String(at));
    }
  });

  test("two machines are told by name and address, with the line that gives one an id of its own", () => {
    const { problem, refusal } = twoMachines(
      "rpi-7",
      { hostname: "pi", address: "10.0.0.5" },
      { hostname: "pi", address: "10.0.0.9" },
    );
    assert.match(
      problem,
      /^two machines run as rpi-7: pi \(10\.0\.0\.5\) and pi \(10\.0\.0\.9\); the later one was refused, .*npx muster enroll rpi-7-2 /,
    );
    assert.match(
      refusal,
      /in use by another agent, on pi \(10\.0\.0\.5\): give this one, on pi \(10\.0\.0\.9\), .*: npx muster enroll rpi-7-2, /,
    );
    assert.match(
      twoMachines("rpi-7", { hostname: "pi" }, { address: 5 }).problem,
      /: pi and one that does not say where it is;/,
    );
    const { problem: long } = twoMachines("x".repeat(63), { hostname: "x".repeat(9_000) }, undefined);
    assert.ok(long.length < 600, String(long.length));
    assert.match(long, / enroll x{61}-2 /);
  });
});
