import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import type { KnownName } from "#shared/filter/complete-filter";
import { t, word } from "../language/text.ts";
import { draftComparators, draftKinds, draftSeverities, type RuleDraft } from "./rule-draft.ts";
import type { RuleFaults } from "./rule-faults.ts";
import { RuleEntry, Options, RuleChoice, Tick } from "./rule-inputs.tsx";
import { RuleOverrides, type RulePartProps } from "./rule-overrides.tsx";
import { RuleRun } from "./rule-run.tsx";

interface FormProps {
  readonly draft: Signal<RuleDraft>;
  readonly faults: RuleFaults;
  /** What devices tell, to complete what is typed. */
  readonly names: readonly KnownName[];
  readonly channels: readonly string[];
  /** Whether its name can be chosen. */
  readonly isNew: boolean;
}

/** What a rule looks at, and in which words. */
const kindWords = {
  value: () => t("a measured value"),
  rate: () => t("how much it grows in a second"),
  rate_per_minute: () => t("how much it grows in a minute"),
  forecast: () => t("what it will be"),
  changed: () => t("that it has changed"),
  silent: () => t("silence of the device"),
  text: () => t("a condition of your own"),
} as const;

const scopeWords = {
  all: () => t("all devices"),
  device: () => t("one device"),
  group: () => t("a group"),
  filter: () => t("devices that fit a filter"),
} as const;

/** What has to be said of these. */
const whereWords = { device: () => t("Device"), group: () => t("Group"), filter: () => t("Filter") } as const;

/** Parts that are a line of text. */
type TextPart = "name" | "source" | "threshold" | "ahead" | "hold" | "clear" | "text" | "where" | "summary" | "remind";

/** The parts of a rule, each with what is wrong with it. */
export function RuleFields({ draft, faults, names, channels, isNew }: FormProps): JSX.Element {
  const now = draft.value;
  const change = (part: Partial<RuleDraft>): void => void (draft.value = { ...draft.peek(), ...part });
  const field = (part: TextPart, title: string, more: { note?: string; fault?: string; list?: string } = {}) => (
    <RuleEntry
      id={`rule-${part}`}
      title={title}
      {...more}
      value={now[part]}
      fault={more.fault ?? faults[part]}
      onTyped={(text) => change({ [part]: text })}
    />
  );
  const measured = names.filter(({ name }) => name.includes("."));
  const isCompared = now.kind !== "silent" && now.kind !== "changed" && now.kind !== "text";
  return (
    <>
      <Options id="rule-measured" of={measured.map(({ name }) => name)} />
      <Options id="rule-values" of={names.find(({ name }) => name === now.source)?.values ?? []} />
      <Options id="rule-groups" of={names.find(({ name }) => name === "group")?.values ?? []} />
      <Options id="rule-devices" of={names.find(({ name }) => name === "id")?.values ?? []} />
      {isNew && field("name", t("Name"), { note: t("letters, digits, _ . and -") })}
      <div class="field-pair">
        <RuleChoice
          id="rule-kind"
          title={t("It looks at")}
          value={now.kind}
          of={draftKinds.map((kind) => [kind, kindWords[kind]()])}
          onChosen={(kind) => change({ kind })}
        />
        {now.kind !== "silent" &&
          now.kind !== "text" &&
          field("source", t("Value"), {
            note: t("measurement.field, as in mem.used_percent"),
            list: "rule-measured",
            ...(faults["when"] === undefined ? {} : { fault: faults["when"] }),
          })}
      </div>
      {now.kind === "text" &&
        field("text", t("Condition"), faults["when"] === undefined ? {} : { fault: faults["when"] })}
      {now.kind === "silent" &&
        field("threshold", t("For longer than"), {
          note: t("30m, 2h"),
          ...(faults["when"] === undefined ? {} : { fault: faults["when"] }),
        })}
      {isCompared && (
        <div class="field-pair together">
          <RuleChoice
            id="rule-by"
            title={t("Is")}
            value={now.by}
            of={draftComparators.map((by) => [by, by])}
            onChosen={(by) => change({ by })}
          />
          {field("threshold", t("Threshold"), { list: "rule-values" })}
        </div>
      )}
      {now.kind === "forecast" && field("ahead", t("In"), { note: t("12h, 3d") })}
      <div class="field-pair">
        {now.kind !== "silent" &&
          now.kind !== "text" &&
          field("hold", t("For"), { note: t("how long that has to last: 10m; empty: at once") })}
        {field("clear", t("Over at"), {
          note: t("a threshold on the side where all is well; empty: as soon as it does not hold"),
        })}
      </div>
      <div class="field-pair">
        <RuleChoice
          id="rule-scope"
          title={t("Counts for")}
          value={now.scope}
          of={(Object.keys(scopeWords) as (keyof typeof scopeWords)[]).map((scope) => [scope, scopeWords[scope]()])}
          onChosen={(scope) => change({ scope, where: "" })}
        />
        {now.scope !== "all" &&
          field("where", whereWords[now.scope](), {
            ...(now.scope === "filter" ? { note: t("group=lab or place=berlin") } : {}),
            ...(now.scope === "group"
              ? { list: "rule-groups" }
              : now.scope === "device"
                ? { list: "rule-devices" }
                : {}),
          })}
      </div>
      <RuleOverrides draft={draft} faults={faults} change={change} />
      <div class="field-pair">
        <RuleChoice
          id="rule-severity"
          title={t("Severity")}
          value={now.severity}
          of={draftSeverities.map((severity) => [severity, word(severity)])}
          onChosen={(severity) => change({ severity })}
        />
        {field("remind", t("Tell again after"), { note: t("4h; empty: told once") })}
      </div>
      {field("summary", t("What it says"), { note: t("a few words, such as: memory is used up") })}
      <Channels draft={draft} channels={channels} fault={faults["channels"]} change={change} />
      <RuleRun draft={draft} faults={faults} change={change} />
      <Tick
        id="rule-enabled"
        title={t("Switched on")}
        checked={now.enabled}
        onTicked={(enabled) => change({ enabled })}
      />
    </>
  );
}

function Channels({
  draft,
  channels,
  fault,
  change,
}: RulePartProps & { readonly channels: readonly string[]; readonly fault: string | undefined }): JSX.Element {
  const chosen = draft.value.channels;
  // One that a rule names and that there is not can be taken away.
  const all = [...new Set([...channels, ...chosen])];
  return (
    <fieldset class="rule-channels">
      <legend>{t("Channels")}</legend>
      {all.map((name) => (
        <Tick
          key={name}
          id={`rule-channel-${name}`}
          title={name}
          checked={chosen.includes(name)}
          onTicked={(on) => change({ channels: on ? [...chosen, name] : chosen.filter((one) => one !== name) })}
        />
      ))}
      {fault && (
        <p class="field-note bad" role="alert">
          {fault}
        </p>
      )}
      {chosen.length === 0 && <p class="field-note">{t("It goes to the channels that are for all alerts.")}</p>}
    </fieldset>
  );
}
