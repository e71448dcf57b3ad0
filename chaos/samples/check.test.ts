import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { check, type Evidence } from "./check.ts";

const sound: Evidence = {
  device: "dev-a",
  kept: [
    { who: "dev-a", outbox: "o", seq: 1, on: 160, at: [100, 150], n: [1, 2] },
    { who: "dev-a", outbox: "o", seq: 2, on: 210, at: [200], n: [3] },
  ],
  stored: [
    { at: 100, n: 1 },
    { at: 150, n: 2 },
    { at: 200, n: 3 },
  ],
  gaps: [],
  fresh: [],
  outstanding: 0,
  excused: false,
  mayMiss: () => false,
};
const rulesBroken = (more: Partial<Evidence>): string[] => check({ ...sound, ...more }).map(({ rule }) => rule);

suite("chaos: what is checked of samples", ({ test }) => {
  test("everything stored once at its time is in order", () => {
    assert.equal(rulesBroken({}), []);
  });

  test("a sample that is nowhere is lost, unless its batch lies in a gap that was told", () => {
    const stored = sound.stored.slice(0, 2);
    const gap = { outbox: "o", from: 2, to: 5, why: "the disk is full" };
    assert.equal(rulesBroken({ stored }), ["nothing is lost"]);
    assert.equal(rulesBroken({ stored, gaps: [gap], excused: true }), []);
    assert.equal(rulesBroken({ stored, gaps: [{ ...gap, outbox: "other" }], excused: true }), ["nothing is lost"]);
  });

  test("a sample at two times is doubled, one at a wrong time is told", () => {
    assert.equal(rulesBroken({ stored: [...sound.stored, { at: 201, n: 3 }] }), ["nothing is doubled"]);
    assert.equal(rulesBroken({ stored: [...sound.stored.slice(0, 2), { at: 999, n: 3 }] }), ["each at its time"]);
  });

  test("at rest the console waits for nothing", () => {
    assert.equal(rulesBroken({ outstanding: 1 }), ["nothing is outstanding at rest"]);
  });

  test("a gap needs a cause", () => {
    const gaps = [{ outbox: "o", from: 9, to: 9, why: "the disk is full" }];
    assert.equal(rulesBroken({ gaps, fresh: gaps }), ["no gap without a cause"]);
    assert.equal(rulesBroken({ gaps, fresh: gaps, excused: true }), []);
    // It had one when it was told first.
    assert.equal(rulesBroken({ gaps }), []);
  });

  test("what may be missing is said of each sample", () => {
    const stored = sound.stored.slice(1, 2);
    assert.equal(rulesBroken({ stored }), ["nothing is lost", "nothing is lost"]);
    assert.equal(rulesBroken({ stored, mayMiss: (_, { n }) => n === 1 }), ["nothing is lost"]);
    assert.equal(rulesBroken({ stored, mayMiss: (_, { n }) => n !== 2 }), []);
  });
});
