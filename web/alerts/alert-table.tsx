import type { JSX } from "preact";
import type { AlertDocument } from "#api/client";
import { toUnit } from "#shared/field-units";
import { Ago, ToldText } from "../format/when.tsx";
import { t } from "../language/text.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { client } from "../state/page-client.ts";
import { session } from "../state/session-state.ts";
import { StateBadge, deviceAddress, Severity, firedValue } from "./alert-words.tsx";

type Attempt = (act: () => Promise<AlertDocument>) => Promise<unknown>;

interface AlertTableProps {
  /** What the table is about, for the ear. */
  readonly name: string;
  readonly alerts: readonly AlertDocument[];
  /** Does what a button says, and shows what is wrong with it; those that are over have no buttons. */
  readonly attempt?: Attempt;
}

/** Alerts, each with what can be done about it. */
export function AlertTable({ name, alerts, attempt }: AlertTableProps): JSX.Element {
  const acts = attempt !== undefined && session.value?.role !== "viewer";
  const heads = [t("Alert"), t("Severity"), t("Device"), t("Value"), attempt ? t("Since") : t("Over"), t("State")];
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label={name}>
      <MatrixTable>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
            {acts && (
              <th scope="col" class="brief">
                <span class="visually-hidden">{t("Actions")}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {alerts.map((alert) => (
            <tr key={alert.id} data-testid={`alert-${alert.id}`}>
              <th scope="row" class="brief">
                <a href={`/alerts/${alert.id}`} title={alert.text}>
                  <ToldText text={alert.title} />
                </a>
              </th>
              <td>
                <Severity severity={alert.severity} />
              </td>
              <td>{alert.device !== null && <a href={deviceAddress(alert.device)}>{alert.device}</a>}</td>
              <td>{firedValue(alert.value, toUnit(alert.unit ?? ""))}</td>
              <td>
                <Ago ts={attempt ? alert.since : (alert.resolved ?? alert.since)} />
              </td>
              <td>
                <StateBadge state={alert.state} />
              </td>
              {acts && attempt && (
                <td class="brief">
                  <AlertButtons alert={alert} attempt={attempt} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}

interface ButtonsProps {
  readonly alert: AlertDocument;
  readonly attempt: Attempt;
  /** How long nobody is told. */
  readonly lasts?: string;
  readonly note?: string;
}

/** Somebody sees to it, or nobody is to be told. */
export function AlertButtons({ alert, attempt, lasts = "1h", note = "" }: ButtonsProps): JSX.Element {
  const { id, title, state } = alert;
  const with_ = note === "" ? {} : { note };
  return (
    <>
      {state !== "acknowledged" && (
        <button
          type="button"
          class="button small"
          aria-label={t("Acknowledge {title}", { title })}
          onClick={() => void attempt(() => client.acknowledgeAlert(id, with_))}
        >
          {t("Acknowledge")}
        </button>
      )}{" "}
      {state !== "silenced" && (
        <button
          type="button"
          class="button small"
          aria-label={t("Silence {span}: {title}", { title, span: lasts })}
          onClick={() => void attempt(() => client.silenceAlert(id, { for: lasts, ...with_ }))}
        >
          {t("Silence {span}", { span: lasts })}
        </button>
      )}
    </>
  );
}
