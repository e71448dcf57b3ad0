import { BadInputError } from "#shared/errors";
import { parseChoice, type DeviceChoice } from "#shared/filter/choose-devices";
import { comparisonsOf, plainName, type Comparison, type FilterCondition } from "#shared/filter/condition";
import { pointing } from "#shared/filter/filter-tokens";
import { deviceNames } from "#shared/filter/filter-values";
import { parseFilter } from "#shared/filter/parse-filter";
import { asError } from "#shared/errors";
import { quoted } from "#shared/printable";
import { formatDuration, parseDuration } from "#shared/duration";
import type { AlertRule } from "./alert-rule.ts";
import { ruleFunctions, type RuleInput } from "./reckon.ts";

/**
 * What a rule is about: values of one measurement, as samples come; what is known of a device; commands or jobs, as they end; or the console
 * itself.
 */
export type RuleKind = "value" | "device" | "command" | "job" | "console";

/** A condition with what it needs. */
export interface RuleVariant {
  readonly when: FilterCondition;
  /** Milliseconds for which it has to hold. */
  readonly hold: number;
  /** What has to hold for a firing alert to go on. */
  readonly stays: FilterCondition;
  /** What it looks at, each once. */
  readonly inputs: readonly RuleInput[];
}

export interface ReadRule {
  readonly rule: AlertRule;
  readonly kind: RuleKind;
  /** Of values: the one measurement. */
  readonly measurement: string;
  readonly base: RuleVariant;
  readonly overrides: readonly (RuleVariant & { readonly group: string })[];
  readonly scope: DeviceChoice | undefined;
  /** Milliseconds after which it is told again. */
  readonly remind: number | undefined;
}

/** What is known of a device beside what filters know: how far its clock is off, whether two machines have its id, until its certificate ends, samples that it misses, and how many of these are of the last day. */
export const knownNames = ["skew", "clone", "certificate", "missing", "lost"] as const;
/** What changes with the time of day, or with each sample: no device is chosen by it. */
const fleeting: ReadonlySet<string> = new Set(["silent", "state"]);

/** How often people are told again of what fires and nobody sees to, ms: more often is noise, more seldom is forgotten. */
export const minRemind = 300_000;
export const maxRemind = 30 * 86_400_000;

/** What a rule can say of the console itself. */
const consoleNames: ReadonlySet<string> = new Set(["console.store", "console.broker"]);

/** @throws BadInputError that names the rule, and points at the place */
export function readRule(rule: AlertRule): ReadRule {
  try {
    const kind = kindOf(rule.when, parseRule(rule.when).condition);
    const base = variantOf(kind, rule);
    const [first] = base.inputs;
    const overrides = (rule.overrides ?? []).map((one) => ({ group: one.group, ...variantOf(kind, one) }));
    const measurement = first?.measurement ?? "";
    for (const { group, inputs } of overrides)
      if (inputs.some((input) => input.measurement !== measurement))
        throw new BadInputError(`of the group ${group} it is about another measurement: expected ${measurement}`);
    if (rule.series && kind !== "value")
      throw new BadInputError("series are chosen in rules about measured values alone");
    checkRun(rule, kind);
    return { rule, kind, measurement, base, overrides, scope: scopeOf(rule.where), remind: remindOf(rule.remind) };
  } catch (thrown) {
    if (!(thrown instanceof BadInputError)) throw thrown;
    throw new BadInputError(`the rule ${quoted(rule.name)}: ${asError(thrown).message}`);
  }
}

/** What counts for a device, by its groups. */
export function variantFor({ base, overrides }: ReadRule, groups: readonly string[]): RuleVariant {
  return overrides.find(({ group }) => groups.includes(group)) ?? base;
}

const parseRule = (source: string) => parseFilter(source, { functions: ruleFunctions });

function variantOf(kind: RuleKind, { when, clear }: Pick<AlertRule, "when" | "clear">): RuleVariant {
  const { condition, hold } = parseRule(when);
  if (kindOf(when, condition) !== kind)
    throw new BadInputError(`${quoted(when)} is about something else than the rule`);
  const stays = staying(condition, clear);
  const names = new Map<string, Comparison>();
  for (const one of [...comparisonsOf(condition), ...comparisonsOf(stays)]) names.set(one.name, one);
  const inputs = kind === "value" ? [...names.values()].map((one) => inputOf(when, one)) : [];
  const other = inputs.find(({ measurement }) => measurement !== inputs[0]?.measurement);
  if (other)
    throw new BadInputError(
      `${quoted(other.name)} and ${quoted(inputs[0]?.name ?? "")} are of two measurements, whose samples do not come together: expected one measurement in a rule`,
    );
  if (hold > 0 && (kind === "command" || kind === "job"))
    throw new BadInputError(`what ends does not hold "for" a time`);
  return { when: condition, hold, stays, inputs };
}

function staying(condition: FilterCondition, clear: AlertRule["clear"]): FilterCondition {
  if (clear === undefined) return condition;
  if (typeof clear === "string") {
    const { condition: over, hold } = parseRule(clear);
    if (hold > 0) throw new BadInputError(`"clear" has no "for": an alert ends with the first sample that says so`);
    return { kind: "not", of: over };
  }
  if (condition.kind !== "compare" || condition.operand.number === undefined || !/^[<>]/.test(condition.by))
    throw new BadInputError(
      `"clear" is the number ${clear}, which needs one comparison by < or >: write a condition instead, such as mem.used_percent < 80`,
    );
  const isBetween = condition.by.startsWith(">")
    ? clear <= condition.operand.number
    : clear >= condition.operand.number;
  if (!isBetween)
    throw new BadInputError(
      `"clear" is ${clear}, beyond the threshold ${condition.operand.text}: expected one on the side where all is well`,
    );
  return { ...condition, operand: { text: String(clear), number: clear } };
}

function inputOf(source: string, { name, at }: Comparison): RuleInput {
  const [, by = "value", inner = name, ahead] = /^(\w+)\(([^,)]+)(?:,(\d+))?\)$/.exec(name) ?? [];
  const dot = inner.lastIndexOf(".");
  if (dot <= 0)
    throw pointing(source, at, `${quoted(inner)} is no measured value: expected one such as mem.used_percent`);
  const [measurement, field] = [inner.slice(0, dot), inner.slice(dot + 1)];
  if ((by === "forecast") !== (ahead !== undefined))
    throw pointing(
      source,
      at,
      "expected a forecast with how far it looks ahead, as in forecast(disk.used_percent, 3d)",
    );
  if (by === "rate" || by === "rate_per_minute")
    return { name, measurement, field, by: "rate", span: by === "rate" ? 1_000 : 60_000 };
  return { name, measurement, field, by: by as "value" | "forecast" | "changed", span: Number(ahead ?? 0) };
}

function kindOf(source: string, condition: FilterCondition): RuleKind {
  const all = comparisonsOf(condition);
  const ending = all.find(({ name }) => name === "command" || name === "job");
  if (ending) {
    const other = all.find(({ name }) => name !== ending.name && name !== "key");
    if (!other) return ending.name === "command" ? "command" : "job";
    throw pointing(
      source,
      other.at,
      `beside ${ending.name} only its key can be asked for: command = failed key = reboot`,
    );
  }
  const [first, ...rest] = all;
  const kind = kindOfName(first?.name ?? "");
  const other = rest.find(({ name }) => kindOfName(name) !== kind);
  if (!other) return kind;
  throw pointing(
    source,
    other.at,
    `${quoted(other.name)} is not of the same kind as ${quoted(first?.name ?? "")}: expected measured values of one measurement, or what is known of a device`,
  );
}

function kindOfName(name: string): RuleKind {
  if (consoleNames.has(name)) return "console";
  if (deviceNames.includes(name) || knownNames.some((one) => one === name)) return "device";
  return name.includes(".") || name.includes("(") ? "value" : "device";
}

/** How long a command may take that a rule has sent, ms. */
export const maxRunTakes = 3_600_000;

/** Milliseconds. @throws BadInputError */
export const runTakes = (timeout: string | undefined): number =>
  timeout === undefined ? 60_000 : parseDuration(timeout, "run.timeout", maxRunTakes);

function checkRun({ run }: AlertRule, kind: RuleKind): void {
  if (!run) return;
  // A command's failure that has a command sent, which fails.
  if (kind !== "value" && kind !== "device")
    throw new BadInputError(
      "only rules about a device may run a command, and not those about commands, jobs or the console",
    );
  runTakes(run.timeout);
}

function remindOf(remind: string | undefined): number | undefined {
  if (remind === undefined) return undefined;
  const every = parseDuration(remind, "remind", maxRemind);
  if (every >= minRemind) return every;
  throw new BadInputError(`remind is ${quoted(remind)}: expected ${formatDuration(minRemind)} at least`);
}

function scopeOf(where: string | undefined): DeviceChoice | undefined {
  if (where === undefined) return undefined;
  const choice = parseChoice(where);
  for (const { name, at } of choice.comparisons)
    if (fleeting.has(name) || (name.includes(".") && name !== plainName))
      throw pointing(where, at, `devices are chosen by what lasts, and ${quoted(name)} does not: write it in "when"`);
  return choice;
}
