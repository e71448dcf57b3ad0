import type { JSX } from "preact";
import { t } from "../language/text.ts";
import { useTitle } from "../shell/title.ts";
import { alertsKnown, alertChanges, listOpenAlerts, takeAlert } from "../state/open-alerts.ts";
import { generation } from "../state/live-state.ts";
import { client } from "../state/page-client.ts";
import { useAnswer } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import { AlertTable } from "./alert-table.tsx";
import { Severity } from "./alert-words.tsx";
import { causesOf } from "./causes.ts";
import { RulesSection } from "./rules-section.tsx";
import { QuietSection } from "./quiet-section.tsx";
import "./alerts.css";

/** Alerts that are over and looked at: nobody reads more at once. */
const newestOver = 100;

/** What fires now, what did lately, the rules, and when nobody is told. */
export function AlertsPage(): JSX.Element {
  useTitle(t("Alerts"));
  const {
    answer: over,
    problem,
    attempt,
  } = useAnswer(
    async () => (await client.listAlerts({ state: "over", limit: newestOver })).alerts,
    [alertChanges.value, generation.value],
  );
  const causes = causesOf(listOpenAlerts());
  const ended = over.value?.filter(({ parent }) => parent === null) ?? [];
  return (
    <main class="page alerts">
      <div class="page-head">
        <h1>{t("Alerts")}</h1>
        <nav class="people-nav" aria-label={t("About alerts")}>
          <a class="button small" href="/reports" data-testid="reports-link">
            {t("Report")}
          </a>
          <a class="button small" href="/notifications">
            {t("Notifications")}
          </a>
        </nav>
      </div>
      {problem.value && (
        <p class="refusal" role="alert">
          {problem.value}
        </p>
      )}
      {alertsKnown.value && causes.length === 0 && <p class="alerts-none">{t("Nothing fires.")}</p>}
      {causes.map(({ rule, severity, alerts, firing }) => (
        <section key={rule} class="cause" data-testid={`cause-${rule}`} aria-label={rule}>
          <h2 class="cause-head">
            {rule} <Severity severity={severity} />
            {firing > 0 && <span class="muted">{t("{count} fires|{count} fire", { count: firing })}</span>}
          </h2>
          <AlertTable
            name={t("Alerts of {rule}", { rule })}
            alerts={alerts}
            attempt={(act) => attempt(async () => takeAlert(await act()))}
          />
        </section>
      ))}
      <h2>{t("Over lately")}</h2>
      {ended.length === 0 ? (
        <p class="hint">{t("No alert is over yet.")}</p>
      ) : (
        <AlertTable name={t("Over lately")} alerts={ended} />
      )}
      {session.value?.groups === undefined && <QuietSection />}
      {session.value?.groups === undefined && <RulesSection />}
    </main>
  );
}
