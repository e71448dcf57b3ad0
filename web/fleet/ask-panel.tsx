import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { tableCsv, type TableCell } from "#shared/fleet-table";
import type { JobTarget } from "#api/job-routes";
import { wasSkipped } from "../jobs/looks.ts";
import { saveAsFile } from "../shell/save-file.ts";
import { valueOf, type ListedRow } from "../state/fleet-rows.ts";
import { useNewest } from "../state/newest.ts";
import { client } from "../state/page-client.ts";
import { sentenceOf } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import type { FleetView } from "./fleet-view.ts";
import { t } from "../language/text.ts";

interface AskPanelProps {
  readonly view: FleetView;
  /** What is listed. */
  readonly rows: readonly ListedRow[];
  readonly onColumns: (columns: readonly string[]) => void;
}

interface Silent {
  readonly device: string;
  readonly why: string;
}

interface Unheard {
  readonly unanswered: readonly Silent[];
  /** What takes no such command, such as what only publishes: it is no failure. */
  readonly notAsked: readonly Silent[];
}

/** Milliseconds that a device has for an answer. */
const patience = 10_000;

/** Values of all that are listed: the newest, or of samples that they take now; as a file, too. */
export function AskPanel({ view, rows, onColumns }: AskPanelProps): JSX.Element {
  const asked = useSignal(view.columns.join(", "));
  const asking = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  const silent = useSignal<Unheard | undefined>(undefined);
  const newest = useNewest();
  const columns = ["id", ...view.columns];
  const cells = (): TableCell[][] =>
    rows.map((row) => columns.map((column) => (column === "id" ? row.id : (valueOf(row, column) ?? null))));
  const showColumns = (): void =>
    onColumns([
      ...new Set(
        asked.value
          .split(",")
          .map((name) => name.trim())
          .filter(Boolean),
      ),
    ]);
  const askAnew = async (): Promise<void> => {
    showColumns();
    asking.value = true;
    problem.value = undefined;
    silent.value = undefined;
    const isNewest = newest.begin();
    try {
      const target: JobTarget = { devices: rows.map(({ id }) => id) };
      const { id } = await client.createJob({ key: "report", target, rate: 1_000, ttl: patience, timeout: patience });
      const found = await silentOf(id, isNewest);
      if (isNewest()) silent.value = found;
    } catch (error) {
      problem.value = sentenceOf(error);
    } finally {
      asking.value = false;
    }
  };
  return (
    <section class="fleet-panel ask-panel" aria-label={t("Ask the fleet")} data-testid="ask-panel">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          showColumns();
        }}
      >
        <label>
          {t("Ask {count} device for|Ask {count} devices for", { count: rows.length })}
          <input
            data-testid="ask-columns"
            placeholder="mem.used_percent, system.uptime"
            value={asked.value}
            onInput={(event) => (asked.value = event.currentTarget.value)}
          />
        </label>
        <button class="button primary" data-testid="ask-show">
          {t("Newest values")}
        </button>
        {session.value?.role !== "viewer" && (
          <button
            type="button"
            class="button"
            data-testid="ask-fresh"
            disabled={asking.value || rows.length === 0}
            onClick={() => void askAnew()}
          >
            {asking.value ? t("Asking…") : t("Ask anew")}
          </button>
        )}
        <button
          type="button"
          class="button"
          data-testid="ask-csv"
          onClick={() => saveAsFile("fleet.csv", tableCsv(columns, cells()))}
        >
          CSV
        </button>
        <button
          type="button"
          class="button"
          data-testid="ask-json"
          onClick={() => saveAsFile("fleet.json", JSON.stringify({ columns, rows: cells() }, null, 2))}
        >
          JSON
        </button>
      </form>
      {problem.value && (
        <p class="refusal" role="alert">
          {problem.value}
        </p>
      )}
      {silent.value && (
        <div role="status" data-testid="ask-silent">
          {silent.value.unanswered.length === 0
            ? t("All that were asked have answered.")
            : t("{count} device did not answer:|{count} devices did not answer:", {
                count: silent.value.unanswered.length,
              })}
          <Reasons of={silent.value.unanswered} />
          {silent.value.notAsked.length > 0 && (
            <details>
              <summary>
                {t("{count} device takes no such question|{count} devices take no such question", {
                  count: silent.value.notAsked.length,
                })}
              </summary>
              <Reasons of={silent.value.notAsked} />
            </details>
          )}
        </div>
      )}
    </section>
  );
}

function Reasons({ of }: { readonly of: readonly Silent[] }): JSX.Element {
  return (
    <ul>
      {of.slice(0, 100).map(({ device, why }) => (
        <li key={device}>
          <a href={`/devices/${encodeURIComponent(device)}`}>{device}</a>: {why}
        </li>
      ))}
    </ul>
  );
}

/** Whoever has not answered once the job is over. */
async function silentOf(id: string, isAwaited: () => boolean): Promise<Unheard> {
  while (isAwaited()) {
    const { state, counts, devices } = await client.getJob(id);
    if (state !== "running" && counts.sent === 0) {
      const unheard = devices.filter((one) => one.state !== "succeeded");
      const told = (those: typeof unheard): readonly Silent[] =>
        those.map((one) => ({ device: one.device, why: one.outcome ?? one.state }));
      return {
        unanswered: told(unheard.filter((one) => !wasSkipped(one))),
        notAsked: told(unheard.filter(wasSkipped)),
      };
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return { unanswered: [], notAsked: [] };
}
