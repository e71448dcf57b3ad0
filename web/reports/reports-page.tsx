import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { dayIn, reportSections } from "#shared/report-text";
import { t, word } from "../language/text.ts";
import { useTitle } from "../shell/title.ts";
import { generation } from "../state/live-state.ts";
import { client } from "../state/page-client.ts";
import { useAnswer } from "../state/use-answer.ts";
import { ReportTable } from "./report-table.tsx";
import "./reports.css";

/** As many periods as the console looks back. */
const furthest = 60;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** How the fleet was in a week or a month, to be read and to be printed. */
export function ReportsPage(): JSX.Element {
  useTitle(t("Report"));
  const kind = useSignal<"week" | "month">("week");
  const back = useSignal(1);
  const group = useSignal("");
  const groups = useAnswer(async () => Object.keys((await client.listGroups()).groups));
  const { answer, problem } = useAnswer(
    () =>
      client.getReport(kind.value, { back: back.value, zone, ...(group.value === "" ? {} : { group: group.value }) }),
    [kind.value, back.value, group.value, generation.value],
  );
  const report = answer.value;
  const day = dayIn(zone);
  return (
    <main class="page report">
      <div class="page-head">
        <h1>{t("Report")}</h1>
        <nav class="people-nav" aria-label={t("About alerts")}>
          <a class="button small" href="/alerts">
            {t("Alerts")}
          </a>
          <a class="button small" href="/notifications">
            {t("Notifications")}
          </a>
        </nav>
      </div>
      <form class="report-choice" onSubmit={(event) => event.preventDefault()}>
        <label>
          {t("Of a")}{" "}
          <select
            data-testid="report-kind"
            value={kind.value}
            onChange={({ currentTarget }) => {
              kind.value = currentTarget.value === "month" ? "month" : "week";
              back.value = 1;
            }}
          >
            <option value="week">{t("week")}</option>
            <option value="month">{t("month")}</option>
          </select>
        </label>
        <label>
          {t("Group")}{" "}
          <select data-testid="report-group" onChange={({ currentTarget }) => (group.value = currentTarget.value)}>
            <option value="">{t("all devices")}</option>
            {groups.answer.value?.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <button type="button" class="button small" disabled={back.value >= furthest} onClick={() => (back.value += 1)}>
          {t("Earlier")}
        </button>
        <button
          type="button"
          class="button small"
          data-testid="report-later"
          disabled={back.value === 0}
          onClick={() => (back.value -= 1)}
        >
          {t("Later")}
        </button>
        <button type="button" class="button small" onClick={() => print()}>
          {t("Print")}
        </button>
      </form>
      {problem.value && (
        <p class="refusal" role="alert">
          {problem.value}
        </p>
      )}
      {report && (
        <div data-testid="report">
          <p class="report-time">
            {t("{from} to {to}", { from: day(report.period.from), to: day(report.period.to - 1) })}
            {report.group === null ? "" : ` · ${report.group}`}
          </p>
          <p class="hint">{t("What was while the console was not there is not known, and counts neither way.")}</p>
          {reportSections(report).map((section) => (
            <section key={section.title} aria-label={word(section.title)}>
              <h2>{word(section.title)}</h2>
              <ReportTable section={section} />
            </section>
          ))}
          {report.more > 0 && (
            <p class="hint">{t("{count} more device|{count} more devices", { count: report.more })}</p>
          )}
        </div>
      )}
    </main>
  );
}
