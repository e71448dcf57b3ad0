import * as assert from "uvu/assert";
import * as fc from "fast-check";
import { BackOff, backOff, comebackRate, minSpread, quickSpread, quickTries, spreadOf } from "#shared/back-off";
import { suite } from "../test/suite.ts";

/** A fleet on its way back: the moments (ms after the broker's return) at which each of them tries for the first time. */
function comeback(fleet: number, outage: number, random: () => number): number[] {
  return Array.from({ length: fleet }, () => {
    const waits = new BackOff({ spread: (least) => spreadOf(fleet, least), random });
    let now = 0;
    while (now < outage) now += waits.absent();
    return now - outage;
  });
}

suite("back-off", ({ test }) => {
  test("a fleet has as much time to come back as its broker needs for it, between 1.5 and 30 s", () => {
    const smallest = (minSpread / 1_000) * comebackRate;
    const largest = (backOff.max / 1_000) * comebackRate;
    for (const [fleet, expected] of [
      [0, minSpread],
      [smallest, minSpread],
      [smallest * 2, minSpread * 2],
      [largest, backOff.max],
      [largest + 1, backOff.max],
      [Number.MAX_SAFE_INTEGER, backOff.max],
    ] as const)
      assert.is(spreadOf(fleet), expected, `of ${fleet}`);
  });

  test("whatever came before, a wait for an absent broker keeps to the fleet's bound, and one after a refusal to half a minute", () => {
    const outcome = fc.constantFrom("absent", "turnedAway", "held");
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(20_000), fc.array(fc.tuple(outcome, chance), { maxLength: 60 }), (fleet, story) => {
        let random = 0;
        const waits = new BackOff({ spread: () => spreadOf(fleet), random: () => random });
        for (const [what, drawn] of story) {
          random = drawn;
          const wait = waits[what]() ?? backOff.first;
          const longest = what === "absent" ? spreadOf(fleet) : backOff.max;
          assert.ok(wait >= backOff.first / 2 && wait <= longest, `${what}: ${wait} ms in a fleet of ${fleet}`);
        }
      }),
    );
  });

  test("a small fleet is back within its bound however long the broker was away, and a large one no faster than it can be taken", () => {
    const random = seeded();
    for (const outage of [200, 3_000, 60_000, 3_600_000])
      for (const fleet of [20, 750]) assert.ok(Math.max(...comeback(fleet, outage, random)) <= minSpread);
    const tries = comeback(5_000, 300_000, random);
    assert.ok(Math.max(...tries) <= spreadOf(5_000));
    for (let second = 0; second < 10; second++) {
      const begun = tries.filter((at) => Math.floor(at / 1_000) === second).length;
      assert.ok(begun <= comebackRate * 1.5, `${begun} in second ${second}`);
    }
  });

  test("one that has only just gone is asked again sooner, by a small fleet alone and not for ever", () => {
    const random = seeded();
    for (const outage of [700, 2_000, 5_000])
      for (const fleet of [1, (quickSpread / 1_000) * comebackRate])
        assert.ok(Math.max(...comeback(fleet, outage, random)) <= quickSpread, `${fleet} after ${outage} ms`);
    const waits = new BackOff({ spread: (least) => spreadOf(20, least), random: () => 1 });
    const first = Array.from({ length: quickTries }, () => waits.absent());
    assert.equal([...new Set(first)], [backOff.first, quickSpread]);
    assert.is(waits.absent(), minSpread, "beyond them");
    waits.held();
    assert.is(waits.absent(), backOff.first);
    const large = new BackOff({ spread: (least) => spreadOf(10_000, least), random: () => 1 });
    for (let at = 0; at < 8; at++) large.absent();
    assert.is(large.absent(), spreadOf(10_000));
  });

  test("a broker that refuses is asked less and less, and one that was away and is back at once", () => {
    const waits = new BackOff({ spread: () => minSpread, random: () => 1 });
    const refused = Array.from({ length: 9 }, () => waits.turnedAway());
    assert.equal(refused, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    assert.equal(
      [waits.absent(), waits.absent(), waits.absent(), waits.absent(), waits.absent()],
      [250, 500, 1_000, minSpread, minSpread],
    );
    assert.is(waits.turnedAway(), 250, "the first word of one that was away");
    waits.turnedAway();
    waits.held();
    assert.is(waits.turnedAway(), 250);
  });
});

/** The same numbers in every run (Lehmer's generator). */
function seeded(): () => number {
  let state = 42;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
