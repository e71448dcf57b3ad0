import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import type { KnownName } from "#shared/filter/complete-filter";
import { t, word } from "../language/text.ts";
import { Labelled, Typed } from "../people/labelled.tsx";
import { draftComparators, draftKinds, draftSeverities, type RuleDraft } from "./rule-draft.ts";
import type { RuleFaults } from "./rule-faults.ts";

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
  filter: () => t("a filter"),
} as const;

/** Parts that are a line of text. */
type TextPart = "name" | "source" | "threshold" | "ahead" | "hold" | "clear" | "text" | "where" | "summary" | "remind";

/** The parts of a rule, each with what is wrong with it. */
export function RuleFields({ draft, faults, names, channels, isNew }: FormProps): JSX.Element {
  const now = draft.value;
  const change = (part: Partial<RuleDraft>): void => void (draft.value = { ...draft.peek(), ...part });
  const field = (part: TextPart, title: string, more: { note?: string; fault?: string; list?: string } = {}) => (
    <Entry
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
        <Choice
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
        <div class="field-pair">
          <Choice
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
        <Choice
          id="rule-scope"
          title={t("For devices")}
          value={now.scope}
          of={(Object.keys(scopeWords) as (keyof typeof scopeWords)[]).map((scope) => [scope, scopeWords[scope]()])}
          onChosen={(scope) => change({ scope, where: "" })}
        />
        {now.scope !== "all" &&
          field("where", scopeWords[now.scope](), {
            ...(now.scope === "filter" ? { note: t("group=lab or place=berlin") } : {}),
            ...(now.scope === "group"
              ? { list: "rule-groups" }
              : now.scope === "device"
                ? { list: "rule-devices" }
                : {}),
          })}
      </div>
      <Overrides draft={draft} faults={faults} change={change} />
      <div class="field-pair">
        <Choice
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
      <Tick
        id="rule-enabled"
        title={t("Switched on")}
        checked={now.enabled}
        onTicked={(enabled) => change({ enabled })}
      />
    </>
  );
}

interface PartProps {
  readonly draft: Signal<RuleDraft>;
  readonly change: (part: Partial<RuleDraft>) => void;
}

/** Other thresholds of groups; of the first group that a device is in. */
function Overrides({ draft, faults, change }: PartProps & Pick<FormProps, "faults">): JSX.Element {
  const { overrides, kind } = draft.value;
  const put = (at: number, part: Partial<RuleDraft["overrides"][number]>): void =>
    change({ overrides: draft.peek().overrides.map((one, place) => (place === at ? { ...one, ...part } : one)) });
  const leastWord = kind === "text" ? t("Condition") : kind === "silent" ? t("For longer than") : t("Threshold");
  return (
    <fieldset class="rule-overrides">
      <legend>{t("Otherwise for groups")}</legend>
      {overrides.map((one, at) => (
        <div class="rule-override" key={at} data-testid={`rule-override-${at}`}>
          <Entry
            id={`rule-group-${at}`}
            title={t("Group")}
            list="rule-groups"
            value={one.group}
            fault={faults[`override ${at}`]}
            onTyped={(group) => put(at, { group })}
          />
          <Entry
            id={`rule-group-threshold-${at}`}
            title={leastWord}
            value={one.threshold}
            onTyped={(threshold) => put(at, { threshold })}
          />
          <Entry
            id={`rule-group-clear-${at}`}
            title={t("Over at")}
            value={one.clear}
            onTyped={(clear) => put(at, { clear })}
          />
          <button
            type="button"
            class="button small"
            aria-label={t("Take group {number} away", { number: at + 1 })}
            onClick={() => change({ overrides: draft.peek().overrides.filter((_, place) => place !== at) })}
          >
            {t("Take away")}
          </button>
        </div>
      ))}
      <button
        type="button"
        class="button small"
        data-testid="rule-override-add"
        onClick={() => change({ overrides: [...draft.peek().overrides, { group: "", threshold: "", clear: "" }] })}
      >
        {t("Add a group")}
      </button>
    </fieldset>
  );
}

function Channels({
  draft,
  channels,
  fault,
  change,
}: PartProps & { readonly channels: readonly string[]; readonly fault: string | undefined }): JSX.Element {
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

interface EntryProps {
  readonly id: string;
  readonly title: string;
  readonly note?: string;
  readonly fault?: string | undefined;
  readonly list?: string;
  readonly value: string;
  readonly onTyped: (text: string) => void;
}

/** A line of text, completed from a list where there is one. */
function Entry({ list, ...entry }: EntryProps): JSX.Element {
  if (list === undefined) return <Typed {...entry} />;
  const { id, title, note, fault, value, onTyped } = entry;
  return (
    <Labelled id={id} title={title} fault={fault} {...(note === undefined ? {} : { note })}>
      <input
        id={id}
        data-testid={id}
        type="text"
        autocomplete="off"
        spellcheck={false}
        list={list}
        value={value}
        {...(fault === undefined ? {} : { "aria-invalid": true, "aria-describedby": `${id}-fault` })}
        onInput={({ currentTarget }) => onTyped(currentTarget.value)}
      />
    </Labelled>
  );
}

const Options = ({ id, of }: { readonly id: string; readonly of: readonly string[] }): JSX.Element => (
  <datalist id={id}>
    {of.map((one) => (
      <option key={one} value={one} />
    ))}
  </datalist>
);

interface ChoiceProps<T extends string> {
  readonly id: string;
  readonly title: string;
  readonly value: T;
  readonly of: readonly (readonly [T, string])[];
  readonly onChosen: (value: T) => void;
}

function Choice<T extends string>({ id, title, value, of, onChosen }: ChoiceProps<T>): JSX.Element {
  return (
    <Labelled id={id} title={title}>
      <select
        id={id}
        data-testid={id}
        value={value}
        onChange={({ currentTarget }) => {
          const chosen = of.find(([one]) => one === currentTarget.value);
          if (chosen) onChosen(chosen[0]);
        }}
      >
        {of.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

interface TickProps {
  readonly id: string;
  readonly title: string;
  readonly checked: boolean;
  readonly onTicked: (on: boolean) => void;
}

const Tick = ({ id, title, checked, onTicked }: TickProps): JSX.Element => (
  <div class="field tick">
    <input
      id={id}
      data-testid={id}
      type="checkbox"
      checked={checked}
      onChange={({ currentTarget }) => onTicked(currentTarget.checked)}
    />
    <label for={id}>{title}</label>
  </div>
);
