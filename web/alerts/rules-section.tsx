import type { JSX } from "preact";
import { t } from "../language/text.ts";
import { useAnswer } from "../state/use-answer.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { alertChanges } from "../state/open-alerts.ts";
import { session } from "../state/session-state.ts";
import { client } from "../state/page-client.ts";
import { Severity } from "./alert-words.tsx";
import { previewPlace } from "./rule-draft.ts";

/** The rules with how they stand, and what one would have found in the last week. */
export function RulesSection(): JSX.Element {
  const { answer: items, problem } = useAnswer(async () => (await client.listAlertRules()).rules, [alertChanges.value]);
  const heads = [t("Rule"), t("Severity"), t("Condition"), t("Devices"), t("State"), t("Fire")];
  return (
    <section>
      <div class="section-head">
        <h2>{t("Rules")}</h2>
        {session.value?.role === "admin" && (
          <a class="button small" href="/alerts/rules/edit" data-testid="rule-new">
            {t("New rule")}
          </a>
        )}
      </div>
      {problem.value && <p class="refusal">{problem.value}</p>}
      <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("Rules")}>
        <MatrixTable data-testid="rules">
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
              <th scope="col">
                <span class="visually-hidden">{t("Actions")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.value?.map((one) => {
              const { name, severity, when, where, enabled } = one.rule;
              return (
                <tr key={name} data-testid={`rule-${name}`}>
                  <th scope="row">
                    <a href={`/alerts/rules/edit?name=${encodeURIComponent(name)}`}>{name}</a>
                  </th>
                  <td>
                    <Severity severity={severity} />
                  </td>
                  <td class="brief">
                    <code>{when}</code>
                  </td>
                  <td class="brief">{where ? <code>{where}</code> : t("all devices")}</td>
                  <td>{enabled ? t("on") : t("off")}</td>
                  <td class={one.firing > 0 ? "bad" : undefined}>{one.firing}</td>
                  <td>
                    <a
                      class="button small"
                      aria-label={t("Test {rule} on the last week", { rule: name })}
                      href={`/alerts/rules/edit?name=${encodeURIComponent(name)}#${previewPlace}`}
                    >
                      {t("Test")}
                    </a>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </MatrixTable>
      </div>
    </section>
  );
}
