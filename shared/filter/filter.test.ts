import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { comparisonText, type FilterCondition } from "./condition.ts";
import { culpritText, evaluateFilter, type Valued } from "./evaluate-filter.ts";
import { maxComparisons, maxFilterDepth, parseFilter } from "./parse-filter.ts";
import { maxFilterLength } from "./filter-tokens.ts";

function shown(condition: FilterCondition): string {
  if (condition.kind === "compare") return comparisonText(condition).replaceAll(" ", "");
  if (condition.kind === "not") return `!${shown(condition.of)}`;
  return `(${condition.of.map(shown).join(condition.kind === "and" ? " & " : " | ")})`;
}

function read(source: string): string {
  const { condition, hold } = parseFilter(source);
  return shown(condition) + (hold === 0 ? "" : ` for ${hold}`);
}

const reads: readonly (readonly [source: string, tree: string])[] = [
  ["group=lab", "group=lab"],
  ["group == lab", "group=lab"],
  ["mem.used_percent < 80 and cpu.usage_idle > 20 for 5m", "(mem.used_percent<80 & cpu.usage_idle>20) for 300000"],
  ["group=lab cpu.usage_idle<20 version<0.3 silent>5m", "(group=lab & cpu.usage_idle<20 & version<0.3 & silent>5m)"],
  ["os=linux,id=lab-*,online=true", "(os=linux & id=lab-* & online=true)"],
  ["a=1 or b=2 and c=3", "(a=1 | (b=2 & c=3))"],
  ["(a=1 or b=2) c=3", "((a=1 | b=2) & c=3)"],
  ["not a=1 and not (b=2 or c=3)", "(!a=1 & !(b=2 | c=3))"],
  ['name="two words"', "name=twowords"],
  ['name="a \\"quoted\\" (one)"', 'name=a"quoted"(one)'],
  ["a>=-1.5e3", "a>=-1.5e3"],
  ["disk.used_percent<=90%", "disk.used_percent<=90%"],
  ["  a=1  ", "a=1"],
];

const wrong: readonly (readonly [source: string, told: RegExp])[] = [
  ["", /character 1: expected a name .* and it ends/],
  ["group", /character 6: expected =, .* behind group/],
  ["group=", /character 7: expected a value behind =.* and it ends/],
  ["group=lab and", /character 14: expected a name/],
  ["mem.used_percent < and b=1", /character 20: expected a value behind <.*: mem.used_percent < →and b=1$/],
  ["(a=1", /character 5: expected "\)", and it ends/],
  ["a=1)", /character 4: expected "and", "or" or the end: a=1→\)$/],
  ['a="x', /character 3: this text has no end/],
  ["a ! b", /character 3: this begins nothing/],
  ["a=1 for", /character 8: expected how long behind for/],
  ["a=1 for 5", /expected how long/],
  ["a=1 for 5m b=2", /character 12: expected "and", "or" or the end/],
  ["80 < a", /expected a name/],
  ["a < b < c", /character 7/],
  ["a=1 or or b=2", /character 8: expected a name/],
];

const values: Record<string, Valued> = {
  "mem.used_percent": 91.2,
  "cpu.usage_idle": 50,
  "disk.used_percent": [10, 95],
  group: ["lab", "north"],
  none: [],
  version: "0.10.1",
  agent: "0.2.0-rc.1",
  id: "lab-camera-7",
  online: true,
  silent: 240_000,
};

const verdicts: readonly (readonly [source: string, any: boolean | undefined, all?: boolean | undefined])[] = [
  ["mem.used_percent < 80", false],
  ["mem.used_percent > 91.2", false],
  ["mem.used_percent >= 91.2", true],
  ["mem.used_percent = 91.2", true],
  ["disk.used_percent < 90", true, false],
  ["disk.used_percent > 90", true, false],
  ["disk.used_percent < 99", true, true],
  ["group=lab", true],
  ["group!=lab", false],
  ["group!=south", true],
  ["group=no*", true],
  ["none=x", false],
  ["none!=x", true],
  ["none<1", undefined],
  ["version<0.3", false],
  ["version>=0.10.1", true],
  ["agent<0.2.0", true],
  ["id=lab-*", true],
  ["id=*-camera-*", true],
  ["id=lab-*lab-camera-7", false],
  ["id<5", undefined],
  ["online=true", true],
  ["online!=false", true],
  ["online>1", undefined],
  ["silent>5m", false],
  ["silent<5m", true],
  ["missing<5", undefined],
  ["missing=5", undefined],
  ["not missing=5", undefined],
  ["missing=5 and group=south", false],
  ["missing=5 or group=lab", true],
  ["missing=5 and group=lab", undefined],
  ["missing=5 or group=south", undefined],
  ["not (group=south or silent>5m)", true],
];

suite("conditions", ({ test }) => {
  for (const [source, tree] of reads) test(`read ${source}`, () => assert.is(read(source), tree));
  for (const [source, told] of wrong) test(`do not read ${source}`, () => assert.throws(() => read(source), told));

  for (const [source, any, all = any] of verdicts)
    test(`${source} of one, and of all`, () => {
      const { condition } = parseFilter(source);
      const lookUp = (name: string): Valued => values[name];
      assert.is(evaluateFilter(condition, lookUp, { several: "any" }).holds, any);
      assert.is(evaluateFilter(condition, lookUp, { several: "all" }).holds, all);
    });

  test("say what has decided that they do not hold, and no more", () => {
    const told = (source: string): string =>
      evaluateFilter(parseFilter(source).condition, (name) => values[name], { several: "all" })
        .culprits.map(culpritText)
        .join("; ");
    assert.is(told("mem.used_percent < 80 and cpu.usage_idle > 20"), "mem.used_percent < 80, and it is 91.2");
    assert.is(told("missing < 1 and cpu.usage_idle > 20"), "missing < 1, and there is no value");
    assert.is(told("disk.used_percent < 90"), "disk.used_percent < 90, and it is 10, 95");
    assert.is(
      told("cpu.usage_idle > 60 or silent > 5m"),
      "cpu.usage_idle > 60, and it is 50; silent > 5m, and it is 240000",
    );
    assert.is(told("not cpu.usage_idle > 20"), "cpu.usage_idle > 20, and it is 50");
    assert.is(told("group=lab"), "");
  });

  test("have bounds, each with its edge", () => {
    const long = `a=${"x".repeat(maxFilterLength - 2)}`;
    assert.is(read(long), long);
    assert.throws(() => read(`${long}x`), new RegExp(`${maxFilterLength} at most`));
    const nested = (levels: number): string => `${"(".repeat(levels)}a=1${")".repeat(levels)}`;
    assert.is(read(nested(maxFilterDepth)), "a=1");
    assert.throws(() => read(nested(maxFilterDepth + 1)), /nested deeper/);
    assert.throws(() => read(`${"not ".repeat(maxFilterDepth + 1)}a=1`), /nested deeper/);
    const many = (count: number): string => Array<string>(count).fill("a=1").join(" ");
    assert.ok(read(many(maxComparisons)));
    assert.throws(() => read(many(maxComparisons + 1)), new RegExp(`${maxComparisons} at most`));
  });
});
