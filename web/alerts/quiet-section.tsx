import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { MaintenanceDocument } from "#api/client";
import { At } from "../format/when.tsx";
import { writtenDuration } from "../format/format-duration.ts";
import { t } from "../language/text.ts";
import { useAnswer } from "../state/use-answer.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { alertChanges } from "../state/open-alerts.ts";
import { client } from "../state/page-client.ts";
import { session } from "../state/session-state.ts";

/** Silences and windows of maintenance; whoever is no viewer ends them. */
export function QuietSection(): JSX.Element {
  const {
    answer: items,
    problem,
    look,
    attempt,
  } = useAnswer(async () => (await client.listMaintenance()).maintenance, [alertChanges.value]);
  useEffect(() => {
    // A window begins and ends by the clock alone.
    const timer = setInterval(() => void look(), 60_000);
    return () => clearInterval(timer);
  }, []);
  const heads = [t("Of"), t("When"), t("State"), t("Note"), t("By")];
  return (
    <section>
      <h2>{t("When nobody is told")}</h2>
      {problem.value && <p class="refusal">{problem.value}</p>}
      {items.value?.length === 0 && <p class="hint">{t("There is no silence and no maintenance window.")}</p>}
      {(items.value?.length ?? 0) > 0 && (
        <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("When nobody is told")}>
          <MatrixTable data-testid="quiet">
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
              {items.value?.map((one) => (
                <tr key={one.id}>
                  <th scope="row">
                    {[one.rule ?? t("all rules"), one.device ?? one.where ?? t("all devices")].join(" · ")}
                  </th>
                  <td>
                    <Span window={one} />
                  </td>
                  <td>{one.active ? t("at work") : t("not now")}</td>
                  <td class="brief">{one.note}</td>
                  <td>{one.by}</td>
                  <td>
                    {session.value?.role !== "viewer" && (
                      <button
                        type="button"
                        class="button small"
                        aria-label={t("End the silence of {rule}", { rule: one.rule ?? t("all rules") })}
                        onClick={() => void attempt(() => client.removeMaintenance(one.id))}
                      >
                        {t("End")}
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </MatrixTable>
        </div>
      )}
    </section>
  );
}

function Span({ window: { cron, zone, lasts, from, until } }: { readonly window: MaintenanceDocument }): JSX.Element {
  if (cron !== null)
    return (
      <>
        <code>{cron}</code> {zone}, {writtenDuration(lasts)}
      </>
    );
  return (
    <>
      <At ts={from} /> – {until !== null && <At ts={until} />}
    </>
  );
}
