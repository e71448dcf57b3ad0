import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { JobDevice } from "#api/job-routes";
import { formatCoarsely } from "../format/format-duration.ts";
import { wasSkipped, rowLooks } from "./looks.ts";
import { ToldText } from "../format/when.tsx";
import { t, word } from "../language/text.ts";

/** Rows drawn at most: more would make the page slow, and nobody reads them. */
const maxRows = 500;

const filters = {
  all: () => true,
  open: ({ state }: JobDevice) => state === "queued" || state === "accepted" || state === "running",
  waiting: ({ state }: JobDevice) => state === "waiting",
  succeeded: ({ state }: JobDevice) => state === "succeeded",
  skipped: wasSkipped,
  others: (row: JobDevice) => row.ended !== null && row.state !== "succeeded" && !wasSkipped(row),
} as const satisfies Record<string, (row: JobDevice) => boolean>;

/** The devices of a job, in the order of sending. */
export function JobDevicesTable({ rows }: { rows: readonly JobDevice[] }): JSX.Element {
  const chosen = useSignal<keyof typeof filters>("all");
  const shownFilters = (Object.keys(filters) as (keyof typeof filters)[]).filter(
    (name) => name !== "skipped" || rows.some(wasSkipped),
  );
  const fitting = rows.filter(filters[chosen.value]);
  return (
    <section class="job-devices" aria-labelledby="job-devices-title">
      <div class="section-head">
        <h2 id="job-devices-title">{t("Devices")}</h2>
        <div class="segments" role="group" aria-label={t("Show devices")}>
          {shownFilters.map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={chosen.value === name}
              data-testid={`job-show-${name}`}
              onClick={() => (chosen.value = name)}
            >
              {word(name)}
            </button>
          ))}
        </div>
      </div>
      {fitting.length === 0 ? <p class="hint">{t("None.")}</p> : <Rows rows={fitting.slice(0, maxRows)} />}
      {fitting.length > maxRows && <p class="hint">{t("… and {value} more.", { value: fitting.length - maxRows })}</p>}
    </section>
  );
}

/** Roles are said because on a phone the rows are laid out as cards, which takes a table's own roles away. */
function Rows({ rows }: { rows: readonly JobDevice[] }): JSX.Element {
  return (
    <table class="job-table" role="table" data-testid="job-table">
      <thead role="rowgroup">
        <tr role="row">
          {(["Device", "State", "Took", "Outcome"] as const).map((name) => (
            <th key={name} role="columnheader" scope="col">
              {t(name)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <Row key={row.device} row={row} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ row }: { row: JobDevice }): JSX.Element {
  const { label, tone } = rowLooks(row);
  const { device, canary, sent, ended, progress, outcome, state } = row;
  return (
    <tr role="row" data-testid={`job-row-${device}`} data-state={state}>
      <th role="rowheader" scope="row">
        <a href={`/devices/${encodeURIComponent(device)}`}>{device}</a>{" "}
        {canary && <span class="muted">{t("canary")}</span>}
      </th>
      <td role="cell">
        <span class={`state ${tone}`}>{word(label)}</span>{" "}
        {state === "running" && progress !== undefined && `${Math.round(progress * 100)} %`}
      </td>
      <td role="cell" class="job-took">
        {sent !== null && ended !== null ? formatCoarsely(ended - sent) : ""}
      </td>
      <td role="cell" class="job-outcome" title={outcome ?? ""}>
        <ToldText text={outcome ?? ""} />
      </td>
    </tr>
  );
}
