import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { completionsAt, maxOffered } from "./complete-filter.ts";

const known = [
  { name: "group", values: ["lab", "north wing"] },
  { name: "version", values: ["0.3.0"] },
  { name: "cpu.usage_idle", values: [] },
  { name: "cpu", values: ["ARM"] },
];

/** What stands there once each of what is offered at `|` is taken. */
function taken(marked: string): string[] {
  const caret = marked.indexOf("|");
  const source = marked.replace("|", "");
  const { from, to, offered } = completionsAt(source, caret, known);
  return offered.map(({ text }) => source.slice(0, from) + text + source.slice(to));
}

const cases: readonly (readonly [marked: string, taken: readonly string[]])[] = [
  ["|", ["group", "version", "cpu.usage_idle", "cpu"]],
  ["gr|", ["group"]],
  ["OU|", ["group"]],
  ["cpu.|", ["cpu.usage_idle"]],
  ["group=lab ver|", ["group=lab version"]],
  ["group=lab (ver|)", ["group=lab (version)"]],
  ["ver| group=lab", ["version group=lab"]],
  ["group|", ["group=", "group!=", "group<", "group<=", "group>", "group>="]],
  ["group=|", ["group=lab", 'group="north wing"']],
  ["group!=no|", ['group!="north wing"']],
  ['group="no|', ['group="north wing"']],
  ["group = l|", ["group = lab"]],
  ["version<|", []],
  ["a=1 o|", ["a=1 group", "a=1 version", "a=1 or ", "a=1 not "]],
];

suite("completing a filter", ({ test }) => {
  for (const [marked, expected] of cases) test(marked, () => assert.equal(taken(marked), expected));

  test("offers a bounded list", () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `n${at}`, values: [] }));
    assert.is(completionsAt("", 0, many(maxOffered)).offered.length, maxOffered);
    assert.is(completionsAt("", 0, many(maxOffered + 1)).offered.length, maxOffered);
  });
});
