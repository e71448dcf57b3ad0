import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { closest, Instants, maxInstants } from "./instants.ts";

suite("the instants of samples", ({ test }) => {
  const moment = (at: number, mono: number) => ({ at, mono, up: Math.floor(mono / 10) * 10 });

  test("are as they are, where they are apart", () => {
    const instants = new Instants();
    for (const [at, mono] of [
      [1_000, 0],
      [1_000 + closest, closest],
      [2_000.4, 1_000.4],
    ] as const)
      assert.equal(instants.give(moment(at, mono)), moment(at, mono));
  });

  test("are never the same, however busy the machine is", () => {
    const instants = new Instants();
    const given = [0, 0, 0.2, 0.9, 1.1, 5].map((mono) => instants.give(moment(1_000 + mono, mono)));
    const rounded = given.map(({ at }) => Math.round(at));
    assert.equal(rounded, [...new Set(rounded)]);
    for (const [index, { at, mono }] of given.entries()) {
      assert.ok(Math.abs(at - mono - 1_000) < 1e-6, "both clocks are moved alike");
      assert.ok(index === 0 || mono - given[index - 1]!.mono >= closest - 1e-6);
    }
  });

  test("are never the same after the wall clock was set back", () => {
    const instants = new Instants();
    const first = Array.from({ length: 50 }, (_, at) => instants.give(moment(10_000 + at * 10, at * 10)).at);
    // Half an hour of work later by the one clock, and the same half second once more by the other.
    const again = Array.from({ length: 50 }, (_, at) => instants.give(moment(10_000 + at * 10, 5_000 + at * 10)).at);
    assert.is(new Set([...first, ...again].map(Math.round)).size, 100);
  });

  test("are remembered in bounds", () => {
    const instants = new Instants();
    for (let at = 0; at <= maxInstants; at++) instants.give(moment(at * 10, at * 10));
    assert.is(instants.give(moment(0, 1e9)).at, 0, "the oldest is forgotten");
    assert.is.not(instants.give(moment(20, 2e9)).at, 20, "a later one is not");
  });
});
