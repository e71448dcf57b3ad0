import * as assert from "uvu/assert";
import { shippedRules } from "#shared/alerts/shipped-rules";
import { suite } from "../../test/suite.ts";
import { draftOfRule, newDraft, ruleOf, type RuleOrder } from "./rule-draft.ts";
import { ruleFaults, refusedAt } from "./rule-faults.ts";
import { noRun, reshaped, runOfDraft, shapeOfOffer } from "./rule-run-draft.ts";

const rule = (more: Partial<RuleOrder> & Pick<RuleOrder, "when">): RuleOrder => ({
  name: "R",
  severity: "warning",
  enabled: true,
  ...more,
});

/** Rules, and what the form makes of their condition. */
const rules: readonly (readonly [given: RuleOrder, kind: string])[] = [
  [rule({ when: "mem.used_percent > 90 for 10m", clear: 80, where: "group=lab" }), "value"],
  [rule({ when: 'service.state != "not running"' }), "value"],
  [rule({ when: "rate(net.err_in) > 1", labels: { team: "platform" }, series: { interface: "eth*" } }), "rate"],
  [rule({ when: "rate_per_minute(net.err_in) >= 1.5 for 1h30m" }), "rate_per_minute"],
  [rule({ when: "forecast(disk.used_percent, 3d) > 100 for 1h" }), "forecast"],
  [
    rule({ when: "changed(system.boot)", remind: "4h", channels: ["ops"], run: { key: "ping" }, each: true }),
    "changed",
  ],
  [rule({ when: "m.v > 9", run: { key: "exec:x", args: { hard: false, n: [1] }, timeout: "2m" } }), "value"],
  [rule({ when: "silent > 30m", where: "id=rpi-7" }), "silent"],
  [rule({ when: "temp.c < 5 or temp.c > 60", clear: "temp.c > 10 temp.c < 50" }), "text"],
  [rule({ when: "command = failed key = update" }), "text"],
  [rule({ when: "silent > 30m for 5m", where: "place=berlin" }), "text"],
  [
    rule({
      when: "m.v > 9 for 1m",
      overrides: [{ group: "lab", when: "m.v > 99 for 1m", clear: 90 }],
      summary: "much",
    }),
    "value",
  ],
  // A group that waits longer is more than another threshold.
  [rule({ when: "m.v > 9 for 1m", overrides: [{ group: "lab", when: "m.v > 99 for 2m" }] }), "text"],
];

suite("a rule as its form has it", ({ test }) => {
  test("is the rule that it was, whatever that is", () => {
    for (const [given, kind] of rules) {
      const draft = draftOfRule(given);
      assert.is(draft.kind, kind, given.when);
      assert.equal(ruleOf(draft), given);
      assert.equal(ruleFaults(draft), {});
    }
    for (const shipped of shippedRules) assert.equal(ruleOf(draftOfRule(shipped)), shipped);
  });

  test("says what is wrong at the part that it is about, as the console does", () => {
    const draft = { ...newDraft, name: "R", source: "mem.used_percent", threshold: "90", hold: "" };
    const cases = [
      [{ threshold: "" }, { when: /expected a value/ }],
      [{ source: "" }, { when: /expected/ }],
      [{ hold: "soon" }, { when: /for/ }],
      [{ clear: "95" }, { clear: /beyond the threshold 90: expected one on the side where all is well/ }],
      [{ scope: "filter", where: "group=" }, { where: /expected a value/ }],
      [{ scope: "filter", where: "silent > 1h" }, { where: /devices are chosen by what lasts/ }],
      [{ run: { ...noRun, key: "x", timeout: "2d" } }, { "run.timeout": /expected/ }],
      [{ run: { ...noRun, key: "x", typed: { "": "{" } } }, { "run.args.": /Not valid JSON/ }],
      [{ kind: "text", text: "job = failed", run: { ...noRun, key: "x" } }, { run: /only rules about a device/ }],
      [{ remind: "1s" }, { remind: /expected 5m at least/ }],
      [
        {
          overrides: [
            { group: "lab", threshold: "99", clear: "" },
            { group: "x", threshold: ">", clear: "" },
          ],
        },
        { "override 1": /expected/ },
      ],
    ] as const;
    for (const [part, expected] of cases) {
      const faults = ruleFaults({ ...draft, ...part });
      assert.equal(Object.keys(faults), Object.keys(expected), JSON.stringify(part));
      for (const [name, why] of Object.entries(expected)) assert.match(faults[name] ?? "", why);
    }
  });

  test("a command's arguments stand in the inputs of its schema, and stay JSON where that has none for one", () => {
    const shape = shapeOfOffer({
      args: { properties: { n: { type: "integer", default: 3 }, hard: { type: "boolean" } } },
    });
    const { run } = draftOfRule(rule({ when: "m.v > 9", run: { key: "k", args: { hard: true } } }));
    assert.equal(reshaped(run, shape).typed, { n: "", hard: true });
    assert.equal(
      runOfDraft(reshaped(run, shape)),
      { key: "k", args: { hard: true } },
      "what is left out is left out again",
    );
    assert.equal(runOfDraft(reshaped({ ...noRun, key: "k" }, shape)), { key: "k", args: { n: 3 } });
    const other = draftOfRule(rule({ when: "m.v > 9", run: { key: "k", args: { gone: 1 } } })).run;
    assert.equal(runOfDraft(reshaped(other, shape)), { key: "k", args: { gone: 1 } });
    assert.is(reshaped(other, shape).shape.kind, "json");
    assert.equal(shapeOfOffer({ args: {}, unchecked: "why" }), { kind: "json" });
  });

  test("what the console refuses stands at its part as well", () => {
    assert.equal(refusedAt('the rule "a b": name: Invalid string; severity: Invalid option: expected one of "info"'), {
      name: "Invalid string",
      severity: 'Invalid option: expected one of "info"',
    });
    assert.equal(refusedAt('the rule "R": no device tells "groop"; there are group'), {
      where: 'no device tells "groop"; there are group',
    });
    assert.equal(refusedAt("there would be 201 rules"), { rule: "there would be 201 rules" });
  });
});
