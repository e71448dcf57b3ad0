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

  test("the sentence names both, as far as they say", () => {
    assert.is(
      twoMachines("rpi-7", { hostname: "pi", address: "10.0.0.5" }, { hostname: "pi", address: "10.0.0.9" }),
      "two machines run as rpi-7: pi (10.0.0.5) and pi (10.0.0.9); the later one was refused: give one an id of its own",
    );
    assert.match(
      twoMachines("rpi-7", { hostname: "pi" }, { address: 5 }),
      /: pi and one that does not say where it is;/,
    );
    assert.ok(twoMachines("rpi-7", { hostname: "x".repeat(9_000) }, undefined).length < 300);
  });
});
