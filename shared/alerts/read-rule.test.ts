import * as assert from "uvu/assert";
import { BadInputError } from "#shared/errors";
import { suite } from "../../test/suite.ts";
import { alertRule, maxOverrides, maxRuleChannels, maxRuleLabels, maxRunArgs, maxSummary } from "./alert-rule.ts";
import { maxRemind, maxRunTakes, minRemind, readRule, variantFor } from "./read-rule.ts";
import { shippedRules } from "./shipped-rules.ts";

const read = (rule: object) => readRule(alertRule.parse({ name: "R", ...rule }));

const kinds: readonly (readonly [when: string, kind: string])[] = [
  ["mem.used_percent > 90 for 10m", "value"],
  ["forecast(disk.used_percent, 3d) > 100 disk.used_percent > 70", "value"],
  ["silent > 5m", "device"],
  ["version < 0.3", "device"],
  ["os = linux and skew > 30s for 5m", "device"],
  ["clone = true", "device"],
  ["certificate < 14d", "device"],
  ["command = failed key = reboot", "command"],
  ["job = aborted", "job"],
  ["console.store = away for 2m", "console"],
];

const refused: readonly (readonly [rule: object, why: RegExp])[] = [
  [{ when: "mem.used_percent >" }, /rule "R": .*expected a value behind >/],
  [{ when: "mem.used_percent > 9 and cpu.usage_idle < 3" }, /of two measurements/],
  [{ when: "mem.used_percent > 9 and silent > 5m" }, /"silent" is not of the same kind as "mem.used_percent"/],
  [{ when: "forecast(disk.used_percent) > 9" }, /how far it looks ahead/],
  [{ when: "rate(disk.used_percent, 3d) > 9" }, /how far it looks ahead/],
  [{ when: "rate(load) > 9" }, /"load" is no measured value/],
  [{ when: "m.v > 9", clear: 10 }, /beyond the threshold/],
  [{ when: "m.v < 9", clear: 8 }, /beyond the threshold/],
  [{ when: "m.v > 9 or m.v < 1", clear: 8 }, /needs one comparison/],
  [{ when: "m.v > 9", clear: "m.v < 5 for 5m" }, /has no "for"/],
  [{ when: "command = failed for 5m" }, /does not hold "for"/],
  [{ when: "command = failed silent > 5m" }, /only its key/],
  [{ when: "m.v > 9", where: "silent > 5m" }, /chosen by what lasts/],
  [{ when: "m.v > 9", where: "cpu.usage_idle < 3" }, /chosen by what lasts/],
  [{ when: "silent > 5m", series: { path: "/" } }, /series are chosen/],
  [{ when: "m.v > 9", overrides: [{ group: "lab", when: "silent > 5m" }] }, /about something else/],
  [{ when: "m.v > 9", overrides: [{ group: "lab", when: "n.v > 5" }] }, /another measurement/],
];

suite("rules as people write them", ({ test }) => {
  for (const [when, kind] of kinds) test(`${when}: ${kind}`, () => assert.is(read({ when }).kind, kind));

  for (const [rule, why] of refused)
    test(`refused: ${JSON.stringify(rule)}`, () => {
      try {
        read(rule);
        assert.unreachable("it was taken");
      } catch (thrown) {
        assert.instance(thrown, BadInputError);
        assert.match((thrown as Error).message, why);
      }
    });

  test("a group's own threshold is that of the first group that a device is in", () => {
    const rule = read({
      when: "m.v > 9",
      overrides: [
        { group: "lab", when: "m.v > 20 for 5m" },
        { group: "field", when: "m.v > 30" },
      ],
    });
    assert.is(variantFor(rule, []).hold, 0);
    assert.is(variantFor(rule, ["field", "lab"]).hold, 300_000);
  });

  test("those that are shipped read, have names of their own, and go to no channel that there may not be", () => {
    for (const rule of shippedRules) {
      readRule(rule);
      assert.equal(alertRule.parse(rule), rule);
      assert.is(rule.channels, undefined);
    }
    assert.is(new Set(shippedRules.map(({ name }) => name)).size, shippedRules.length);
  });

  test("bounds: at the edge and beyond", () => {
    const many = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
    const words = (count: number) => Object.fromEntries(many(count, (at) => [`l${at}`, "x"]));
    const edges: readonly (readonly [most: number, make: (count: number) => object])[] = [
      [maxOverrides, (count) => ({ overrides: many(count, (at) => ({ group: `g${at}`, when: "m.v > 1" })) })],
      [maxRuleChannels, (count) => ({ channels: many(count, (at) => `c${at}`) })],
      [maxRuleLabels, (count) => ({ labels: words(count) })],
      [maxSummary, (count) => ({ summary: "x".repeat(count) })],
    ];
    for (const [most, make] of edges) {
      const parsed = (count: number): boolean =>
        alertRule.safeParse({ name: "R", when: "m.v > 1", ...make(count) }).success;
      assert.equal([parsed(most), parsed(most + 1)], [true, false]);
    }
  });

  test("it is told again after so long, and neither sooner nor later than is of use", () => {
    const every = (remind: string) => read({ when: "m.v > 1", remind }).remind;
    assert.equal(["4h", `${minRemind}ms`, `${maxRemind}ms`].map(every), [14_400_000, minRemind, maxRemind]);
    assert.is(read({ when: "m.v > 1" }).remind, undefined);
    assert.throws(() => every(`${minRemind - 1}ms`), /the rule "R": remind is .*expected 5m at least/);
    assert.throws(() => every(`${maxRemind + 1}ms`), /remind is .*expected 30d at most/);
    assert.throws(() => every("often"), /remind is "often": expected a duration/);
  });

  test("a command is run by rules about devices alone, and takes so long at most", () => {
    const run = (when: string, timeout?: string) => () =>
      read({ when, run: { key: "ping", ...(timeout ? { timeout } : {}) } });
    run("m.v > 1", `${maxRunTakes}ms`)();
    run("silent > 1h")();
    assert.throws(run("m.v > 1", `${maxRunTakes + 1}ms`), /run.timeout is .*expected 1h at most/);
    for (const when of ["command = failed key = ping", "job = aborted", "console.store = away"])
      assert.throws(run(when), /only rules about a device may run a command/);
    const args = (length: number) =>
      alertRule.safeParse({ name: "R", when: "m.v > 1", run: { key: "k", args: { a: "x".repeat(length - 8) } } })
        .success;
    assert.equal([args(maxRunArgs), args(maxRunArgs + 1)], [true, false]);
  });
});
