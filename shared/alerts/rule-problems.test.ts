import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { ruleProblems } from "./rule-problems.ts";

const untold = (_: string, where: string) =>
  where.includes("groop") ? `no device tells ${where.split("=", 1)[0]}` : undefined;
const told = (...rules: readonly unknown[]) => ruleProblems(rules, untold);

suite("what is wrong with rules as they are sent", ({ test }) => {
  test("is told all at once, of each rule and each part of it", () => {
    const lines = told(
      { name: "A", when: "groop.x >", where: "groop=lab" },
      { name: "B", when: "m.v > 1" },
      { name: "C", wenn: "m.v > 1" },
      {
        name: "D",
        when: "m.v > 9",
        clear: 10,
        where: "silent > 5m",
        remind: "often",
        run: { key: "k", timeout: "2d" },
      },
      {
        when: "m.v > 1",
        severity: "grave",
        overrides: [
          { group: "lab", when: "m.v >" },
          { group: "field", when: "n.v > 1" },
        ],
      },
    )?.split(/\n(?=the rule|rule )/);
    const expected = [
      /^the rule "A": .*expected a value behind >.*; no device tells groop$/s,
      /^the rule "C": .*when: .*wenn/s,
      /^the rule "D": .*beyond the threshold.*run\.timeout.*what lasts.*remind is "often"/s,
      /^rule 5 of the list: .*name: .*severity: .*expected a value behind >.*another measurement/s,
    ];
    assert.is(lines?.length, expected.length, lines?.join("\n"));
    for (const [at, pattern] of expected.entries()) assert.match(lines?.[at] ?? "", pattern);
  });

  test("is nothing where all is well, and told of no rule that is none", () => {
    assert.is(told({ name: "A", when: "m.v > 1 for 5m", clear: 0, where: "os=linux", remind: "4h" }), undefined);
    for (const none of [null, "x", 7, []]) assert.match(told(none) ?? "", /^rule 1 of the list: /);
  });

  test("is counted beyond the first", () => {
    const many = Array.from({ length: 25 }, (_, at) => ({ name: `R${at}`, when: "m.v >" }));
    assert.match(told(...many) ?? "", /the rule "R19".*\nand 5 more$/s);
  });
});
