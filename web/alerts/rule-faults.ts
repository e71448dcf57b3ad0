import { readRule } from "#shared/alerts/read-rule";
import { argumentsOfRun, type RunDraft } from "./rule-run-draft.ts";
import { ruleOf, whenOf, whereOf, type RuleDraft } from "./rule-draft.ts";

/** A rule that reads, for what is about a part of it. */
const silent = { name: "R", severity: "warning" as const, enabled: true, when: "silent > 1h" };

/** What is wrong, by the part of the form that it is about; `override 0` for the first group. */
export type RuleFaults = Readonly<Record<string, string>>;

/** What a part is called where the console says what is wrong with it. */
const parts = [
  "name",
  "when",
  "clear",
  "where",
  "overrides",
  "severity",
  "summary",
  "channels",
  "remind",
  "run",
] as const;

/** What the console would say of a draft, in its own sentences, each at its part. */
export function ruleFaults(draft: RuleDraft): RuleFaults {
  const { clear, overrides = [], run } = ruleOf(draft);
  const base = { ...silent, when: whenOf(draft) };
  const where = whereOf(draft);
  const remind = draft.remind.trim();
  const when = faultOf(base);
  const faults: Record<string, string | undefined> = { when };
  // Behind a condition that does not read nothing else can be said of it.
  if (when === undefined) {
    if (clear !== undefined) faults["clear"] = faultOf({ ...base, clear });
    for (const [at, one] of overrides.entries()) faults[`override ${at}`] = faultOf({ ...base, overrides: [one] });
    if (run) Object.assign(faults, runFaults(draft.run, base));
  }
  if (where !== undefined) faults["where"] = faultOf({ ...silent, where });
  if (remind !== "") faults["remind"] = faultOf({ ...silent, remind });
  return Object.fromEntries(Object.entries(faults).filter((one): one is [string, string] => one[1] !== undefined));
}

/** Of a command: whether such a rule may run one, how long it may take, and its arguments. */
function runFaults(run: RunDraft, base: Parameters<typeof readRule>[0]): Record<string, string | undefined> {
  const read = argumentsOfRun(run);
  const wrong = read.ok ? {} : read.problems;
  const timeout = run.timeout.trim();
  return {
    run: faultOf({ ...base, run: { key: run.key } }),
    ...(timeout === "" ? {} : { "run.timeout": faultOf({ ...silent, run: { key: run.key, timeout } }) }),
    ...Object.fromEntries(Object.entries(wrong).map(([name, why]) => [`run.args.${name}`, why])),
  };
}

function faultOf(rule: Parameters<typeof readRule>[0]): string | undefined {
  try {
    readRule(rule);
    return undefined;
  } catch (thrown) {
    return (thrown instanceof Error ? thrown.message : String(thrown)).replace(/^the rule "R": /, "");
  }
}

/** What the console has refused, by its part; `rule` where it is about the whole. */
export function refusedAt(sentence: string): RuleFaults {
  const said = sentence.replace(/^(the rule "[^"]*"|rule 1 of the list): /, "");
  const found: Record<string, string> = {};
  for (const one of said.split("; ")) {
    const [, part = "", what = ""] = /^(\w+)[.\d\w]*: (.+)$/s.exec(one) ?? [];
    if (parts.some((name) => name === part)) found[part] = what;
  }
  if (Object.keys(found).length > 0) return found;
  return /no device tells/.test(said) ? { where: said } : { rule: said };
}
