import type { ShownRuleDocument } from "#api/client";
import { draftOfRun, noRun, runOfDraft, type RunDraft } from "./rule-run-draft.ts";

export type RuleOrder = ShownRuleDocument["rule"];

/** What a rule's form can make a condition of; all else is written as text. */
export const draftKinds = ["value", "rate", "rate_per_minute", "forecast", "changed", "silent", "text"] as const;
export type DraftKind = (typeof draftKinds)[number];
export const draftSeverities = ["info", "warning", "critical"] as const;
export const draftComparators = [">", ">=", "<", "<=", "=", "!="] as const;

/** Where the address of a rule's page leads to its preview. */
export const previewPlace = "preview";

/** Another threshold of a group, or where the condition is text another condition. */
export interface DraftOverride {
  readonly group: string;
  readonly threshold: string;
  readonly clear: string;
}

/** A rule as its form has it: each part as it is typed. */
export interface RuleDraft {
  readonly name: string;
  readonly kind: DraftKind;
  /** `mem.used_percent`. */
  readonly source: string;
  readonly by: string;
  readonly threshold: string;
  /** How far a forecast looks ahead. */
  readonly ahead: string;
  readonly hold: string;
  readonly clear: string;
  /** The whole condition, where it is text. */
  readonly text: string;
  readonly scope: "all" | "device" | "group" | "filter";
  /** A device, a group or a filter. */
  readonly where: string;
  readonly overrides: readonly DraftOverride[];
  readonly severity: RuleOrder["severity"];
  readonly summary: string;
  readonly channels: readonly string[];
  readonly remind: string;
  readonly run: RunDraft;
  readonly enabled: boolean;
  /** What the form leaves as it is. */
  readonly kept: Pick<RuleOrder, "series" | "labels" | "each">;
}

export const newDraft: RuleDraft = {
  name: "",
  kind: "value",
  source: "",
  by: ">",
  threshold: "",
  ahead: "3d",
  hold: "10m",
  clear: "",
  text: "",
  scope: "all",
  where: "",
  overrides: [],
  severity: "warning",
  summary: "",
  channels: [],
  remind: "",
  run: noRun,
  enabled: true,
  kept: {},
};

type Parts = Pick<RuleDraft, "kind" | "source" | "by" | "threshold" | "ahead" | "hold">;

const compared = String.raw`\s*(?<by>!=|>=|<=|=|>|<)\s*(?<threshold>"[^"]*"|[^\s()"]+)`;
const held = String.raw`(?:\s+for\s+(?<hold>\S+))?\s*$`;
const forms: readonly (readonly [DraftKind, RegExp])[] = [
  ["silent", new RegExp(String.raw`^\s*silent\s*(?<by>>)\s*(?<threshold>[^\s()"]+)\s*$`)],
  ["rate", new RegExp(String.raw`^\s*rate\(\s*(?<source>[^\s(),]+)\s*\)${compared}${held}`)],
  ["rate_per_minute", new RegExp(String.raw`^\s*rate_per_minute\(\s*(?<source>[^\s(),]+)\s*\)${compared}${held}`)],
  [
    "forecast",
    new RegExp(String.raw`^\s*forecast\(\s*(?<source>[^\s(),]+)\s*,\s*(?<ahead>[^\s(),]+)\s*\)${compared}${held}`),
  ],
  ["changed", new RegExp(String.raw`^\s*changed\(\s*(?<source>[^\s(),]+)\s*\)${held}`)],
  ["value", new RegExp(String.raw`^\s*(?<source>[^\s(),<>=!"]+\.[^\s(),<>=!"]+)${compared}${held}`)],
];

function partsOf(when: string): Parts | undefined {
  for (const [kind, form] of forms) {
    const { groups } = form.exec(when) ?? {};
    if (!groups) continue;
    const { source = "", by = ">", threshold = "", ahead = newDraft.ahead, hold = "" } = groups;
    return { kind, source, by, threshold, ahead, hold };
  }
  return undefined;
}

/** A rule's parts; what no part can say, as text. */
export function draftOfRule(rule: RuleOrder): RuleDraft {
  const { name, when, clear, where, overrides = [], severity, summary = "", channels = [], remind = "" } = rule;
  const { series, labels, run, enabled, each } = rule;
  const parts = partsOf(when);
  const others = overrides.map((one) => ({ one, its: partsOf(one.when) }));
  const isSame = (its: Parts | undefined): its is Parts =>
    its !== undefined &&
    parts !== undefined &&
    JSON.stringify({ ...its, threshold: "" }) === JSON.stringify({ ...parts, threshold: "" });
  const isText = !parts || !others.every(({ its }) => isSame(its));
  return {
    ...newDraft,
    ...(isText ? { kind: "text" as const, text: when, hold: "" } : parts),
    name,
    clear: clear === undefined ? "" : String(clear),
    ...scopeOf(where),
    overrides: others.map(({ one, its }) => ({
      group: one.group,
      threshold: isText ? one.when : (its?.threshold ?? ""),
      clear: one.clear === undefined ? "" : String(one.clear),
    })),
    severity,
    summary,
    channels,
    remind,
    run: draftOfRun(run),
    enabled,
    kept: {
      ...(series ? { series } : {}),
      ...(labels ? { labels } : {}),
      ...(each === undefined ? {} : { each }),
    },
  };
}

function scopeOf(where: string | undefined): Pick<RuleDraft, "scope" | "where"> {
  if (where === undefined) return { scope: "all", where: "" };
  const [, name, value = ""] = /^\s*(id|group)\s*=\s*([A-Za-z0-9_.-]+)\s*$/.exec(where) ?? [];
  if (name === undefined) return { scope: "filter", where };
  return { scope: name === "id" ? "device" : "group", where: value };
}

/** A condition, as the rule has it. @param threshold of the draft, unless a group has another one */
export function whenOf(draft: RuleDraft, threshold = draft.kind === "text" ? draft.text : draft.threshold): string {
  const { kind, source, by, ahead, hold } = draft;
  if (kind === "text") return threshold.trim();
  const lasts = hold.trim() === "" ? "" : ` for ${hold.trim()}`;
  const value = threshold.trim();
  switch (kind) {
    case "silent":
      return `silent > ${value}`;
    case "changed":
      return `changed(${source.trim()})${lasts}`;
    case "forecast":
      return `forecast(${source.trim()}, ${ahead.trim()}) ${by} ${value}${lasts}`;
    case "value":
      return `${source.trim()} ${by} ${value}${lasts}`;
    default:
      return `${kind}(${source.trim()}) ${by} ${value}${lasts}`;
  }
}

/** The devices, in the filter language. */
export function whereOf({ scope, where }: Pick<RuleDraft, "scope" | "where">): string | undefined {
  if (scope === "all") return undefined;
  const text = where.trim();
  return scope === "filter" ? text : `${scope === "device" ? "id" : "group"}=${text}`;
}

const clearOf = (text: string): { clear?: number | string } => {
  const typed = text.trim();
  if (typed === "") return {};
  return { clear: Number.isFinite(Number(typed)) ? Number(typed) : typed };
};

/** The rule that a draft is. */
export function ruleOf(draft: RuleDraft): RuleOrder {
  const { name, clear, overrides, severity, summary, channels, remind, enabled, kept } = draft;
  const where = whereOf(draft);
  const run = runOfDraft(draft.run);
  return {
    ...kept,
    name: name.trim(),
    when: whenOf(draft),
    ...clearOf(clear),
    ...(where === undefined ? {} : { where }),
    ...(overrides.length === 0
      ? {}
      : {
          overrides: overrides.map((one) => ({
            group: one.group.trim(),
            when: whenOf(draft, one.threshold),
            ...clearOf(one.clear),
          })),
        }),
    severity,
    ...(summary.trim() === "" ? {} : { summary: summary.trim() }),
    ...(channels.length === 0 ? {} : { channels: [...channels] }),
    ...(remind.trim() === "" ? {} : { remind: remind.trim() }),
    ...(run ? { run } : {}),
    enabled,
  };
}
