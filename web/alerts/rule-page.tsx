import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import type { ShownRuleDocument } from "#api/client";
import { Confirm } from "../commands/confirm-dialog.tsx";
import { fetchFilterNames, filterNames } from "../fleet/filter-field.tsx";
import { t } from "../language/text.ts";
import { useTitle } from "../shell/title.ts";
import { client } from "../state/page-client.ts";
import { useAttempt } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import { draftOfRule, newDraft, ruleOf, type RuleDraft, type RuleOrder } from "./rule-draft.ts";
import { ruleFaults, refusedAt, type RuleFaults } from "./rule-faults.ts";
import { RuleFields } from "./rule-form.tsx";
import { RulePreview } from "./rule-preview.tsx";
import "./alerts.css";

/** The editor of a rule: `?name=` changes one, `?copy=` begins with what another one is. */
export function RulePage(): JSX.Element {
  const { query } = useLocation();
  const { name, copy, device } = query;
  return <Known key={`${name} ${copy}`} name={name} copy={copy} device={device} />;
}

interface KnownProps {
  readonly name: string | undefined;
  readonly copy: string | undefined;
  readonly device: string | undefined;
}

function Known({ name, copy, device }: KnownProps): JSX.Element {
  const rules = useSignal<readonly ShownRuleDocument[] | undefined>(undefined);
  const channels = useSignal<readonly string[]>([]);
  const { problem, attempt } = useAttempt();
  const title = name === undefined ? t("A new rule") : name;
  useTitle(title);
  useEffect(() => {
    void fetchFilterNames();
    void attempt(async () => (rules.value = (await client.listAlertRules()).rules));
    void client.listChannels().then(
      (answer) => (channels.value = answer.channels.map((one) => one.name)),
      () => {},
    );
  }, []);
  const shown = rules.value?.find((one) => one.rule.name === (name ?? copy));
  const missing = rules.value && (name ?? copy) !== undefined && !shown;
  return (
    <main class="page alerts">
      <div class="page-head">
        <h1>{title}</h1>
        <nav class="people-nav" aria-label={t("About alerts")}>
          {name !== undefined && (
            <a class="button small" href={`/alerts/rules/edit?copy=${encodeURIComponent(name)}`}>
              {t("Copy")}
            </a>
          )}
          <a class="button small" href="/alerts">
            {t("All alerts")}
          </a>
        </nav>
      </div>
      {problem.value && <p class="refusal">{problem.value}</p>}
      {missing && <p class="refusal">{t("There is no rule {name}.", { name: name ?? copy ?? "" })}</p>}
      {rules.value && !missing && (
        <Editor
          begin={shown ? draftOfRule(name === undefined ? { ...shown.rule, name: "" } : shown.rule) : newDraft}
          shown={name === undefined ? undefined : shown}
          taken={rules.value.map(({ rule }) => rule.name)}
          channels={channels.value}
          device={device}
        />
      )}
    </main>
  );
}

interface EditorProps {
  readonly begin: RuleDraft;
  /** What is changed; undefined for a new one. */
  readonly shown: ShownRuleDocument | undefined;
  readonly taken: readonly string[];
  readonly channels: readonly string[];
  readonly device: string | undefined;
}

function Editor({ begin, shown, taken, channels, device }: EditorProps): JSX.Element {
  const draft = useSignal(begin);
  /** What the console has refused counts until something is changed. */
  const refused = useSignal<{ readonly of: RuleDraft; readonly faults: RuleFaults } | undefined>(undefined);
  /** From the first try on what is wrong is told as it is typed. */
  const tried = useSignal(false);
  const asks = useSignal(false);
  const { route } = useLocation();
  const refusedNow = refused.value?.of === draft.value ? refused.value.faults : {};
  const faults = tried.value ? { ...refusedNow, ...ruleFaults(draft.value) } : {};
  const refuse = (why: RuleFaults): void => void (refused.value = { of: draft.peek(), faults: why });
  const read = (): RuleOrder | undefined => {
    tried.value = true;
    refused.value = undefined;
    return Object.keys(ruleFaults(draft.peek())).length === 0 ? ruleOf(draft.peek()) : undefined;
  };
  const { problem, attempt } = useAttempt();
  const change = async (act: () => Promise<unknown>): Promise<void> => {
    if (await attempt(act)) route("/alerts");
    else refuse(refusedAt(problem.peek() ?? ""));
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const rule = read();
    if (!rule) return;
    // The console would put it in the place of the other.
    if (!shown && taken.includes(rule.name))
      refuse({ name: t("There is a rule {name} already.", { name: rule.name }) });
    else void change(() => client.applyAlertRules({ rules: [rule] }));
  };
  const isAdmin = session.value?.role === "admin";
  return (
    <>
      <section class="command-form" aria-label={t("Rule")}>
        <form onSubmit={submit} noValidate data-testid="rule-form">
          <RuleFields
            draft={draft}
            faults={faults}
            names={filterNames.value}
            channels={channels}
            isNew={shown === undefined}
          />
          {faults["rule"] && (
            <p class="refusal" role="alert" data-testid="rule-refused">
              {faults["rule"]}
            </p>
          )}
          {isAdmin ? (
            <div class="actions">
              {shown && !shown.shipped && (
                <button
                  type="button"
                  class="button danger"
                  data-testid="rule-delete"
                  onClick={() => (asks.value = true)}
                >
                  {t("Delete")}
                </button>
              )}
              <button type="submit" class="button primary" data-testid="rule-save">
                {t("Save")}
              </button>
            </div>
          ) : (
            <p class="hint">{t("Administrators change rules.")}</p>
          )}
        </form>
      </section>
      <RulePreview rule={read} usual={device} />
      {asks.value && shown && (
        <Confirm
          question={t("Delete the rule {name}?", { name: shown.rule.name })}
          consequence={t("Its alerts are over. What is shipped under this name is then as it was.")}
          action={t("Delete")}
          onAnswer={(yes) => {
            asks.value = false;
            if (yes) void change(() => client.removeAlertRule(shown.rule.name));
          }}
        />
      )}
    </>
  );
}
