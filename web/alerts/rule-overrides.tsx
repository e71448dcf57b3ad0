import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { t } from "../language/text.ts";
import type { RuleDraft } from "./rule-draft.ts";
import type { RuleFaults } from "./rule-faults.ts";
import { RuleEntry } from "./rule-inputs.tsx";

export interface RulePartProps {
  readonly draft: Signal<RuleDraft>;
  readonly change: (part: Partial<RuleDraft>) => void;
}

/** Other thresholds of groups; of the first group that a device is in. */
export function RuleOverrides({ draft, faults, change }: RulePartProps & { readonly faults: RuleFaults }): JSX.Element {
  const { overrides, kind } = draft.value;
  const put = (at: number, part: Partial<RuleDraft["overrides"][number]>): void =>
    change({ overrides: draft.peek().overrides.map((one, place) => (place === at ? { ...one, ...part } : one)) });
  const thresholdTitle = kind === "text" ? t("Condition") : kind === "silent" ? t("For longer than") : t("Threshold");
  return (
    <fieldset class="rule-overrides">
      <legend>{t("Otherwise for groups")}</legend>
      {overrides.map((one, at) => (
        <div class="rule-override" key={at} data-testid={`rule-override-${at}`}>
          <RuleEntry
            id={`rule-group-${at}`}
            title={t("Group")}
            list="rule-groups"
            value={one.group}
            fault={faults[`override ${at}`]}
            onTyped={(group) => put(at, { group })}
          />
          <RuleEntry
            id={`rule-group-threshold-${at}`}
            title={thresholdTitle}
            value={one.threshold}
            onTyped={(threshold) => put(at, { threshold })}
          />
          <RuleEntry
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
