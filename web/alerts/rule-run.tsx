import type { JSX } from "preact";
import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ArgumentInputs } from "../commands/argument-inputs.tsx";
import { consequenceOf } from "../commands/states.ts";
import { t, word } from "../language/text.ts";
import { Typed } from "../people/labelled.tsx";
import { offered, useOffered } from "../state/offered-keys.ts";
import { client } from "../state/page-client.ts";
import { noRun, reshaped, shapeOfOffer, type RunDraft } from "./rule-run-draft.ts";
import type { RuleFaults } from "./rule-faults.ts";
import { RuleChoice } from "./rule-inputs.tsx";
import type { RulePartProps } from "./rule-overrides.tsx";

/** A command that is sent to the alert's device when it fires, with the form that a device which offers it has for it. */
export function RuleRun({ draft, faults, change }: RulePartProps & { readonly faults: RuleFaults }): JSX.Element {
  useOffered();
  const { run } = draft.value;
  const put = (part: Partial<RunDraft>): void => change({ run: { ...draft.peek().run, ...part } });
  // One that no device offers at the moment stays what the rule runs.
  const keys = [...new Set([...offered.value.flatMap(({ offers }) => offers), run.key])].filter(Boolean).sort();
  const asked = useComputed(() => offered.value.find(({ offers }) => offers.includes(draft.value.run.key))?.id);
  /** The command whose inputs were asked for: before, nothing stands there that would move away. */
  const answered = useSignal<string | undefined>(undefined);
  const isKnown = asked.value === undefined ? offered.value.length > 0 : answered.value === run.key;
  useEffect(() => {
    const [device, { key }] = [asked.value, draft.peek().run];
    if (device === undefined) return undefined;
    let isAsked = true;
    void client
      .getDevice(device)
      .then(({ commands }) => {
        const now = draft.peek().run;
        if (isAsked && now.key === key) change({ run: reshaped(now, shapeOfOffer(commands?.[key])) });
      })
      // The form of a schema is a convenience: without it the arguments are JSON.
      .catch(() => {})
      .then(() => isAsked && (answered.value = key));
    return () => void (isAsked = false);
  }, [asked.value, run.key]);
  return (
    <fieldset class="rule-run">
      <legend>{t("A command when it fires")}</legend>
      <RuleChoice
        id="rule-run-key"
        title={t("Command")}
        value={run.key}
        of={[["", t("No command")], ...keys.map((key) => [key, key] as const)]}
        fault={faults["run"]}
        onChosen={(key) => put({ ...noRun, key })}
      />
      {run.key !== "" && (
        <>
          {isKnown && (
            <ArgumentInputs
              shape={run.shape}
              typed={run.typed}
              problems={argumentFaults(faults)}
              onTyped={(name, value) => put({ typed: { ...draft.peek().run.typed, [name]: value } })}
            />
          )}
          <Typed
            id="rule-run-timeout"
            title={t("How long it may take")}
            note={t("2m; empty: a minute")}
            value={run.timeout}
            fault={faults["run.timeout"]}
            onTyped={(timeout) => put({ timeout })}
          />
          {consequenceOf(run.key) && <p class="field-note bad">{word(consequenceOf(run.key) ?? "")}</p>}
          <p class="field-note">
            {t(
              "It is sent to the alert's device, once each time that the rule fires, as yours, for as long as you are an administrator of the whole fleet.",
            )}
          </p>
        </>
      )}
    </fieldset>
  );
}

/** What is wrong with the arguments, by their names. */
function argumentFaults(faults: RuleFaults): Readonly<Record<string, string>> {
  const own = Object.entries(faults).filter(([part]) => part.startsWith("run.args."));
  return Object.fromEntries(own.map(([part, fault]) => [part.slice("run.args.".length), fault]));
}
