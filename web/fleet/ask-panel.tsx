import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { tableCsv, type TableCell } from "#shared/fleet-table";
import type { JobTarget } from "#api/job-routes";
import { saveAsFile } from "../shell/save-file.ts";
import { valueOf, type ListedRow } from "../state/fleet-rows.ts";
import { useNewest } from "../state/newest.ts";
import { client } from "../state/page-client.ts";
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

/** Milliseconds that a device has for an answer. */
const patience = 10_000;

/** Values of all that are listed: the newest, or of samples that they take now; as a file, too. */
export function AskPanel({ view, rows, onColumns }: AskPanelProps): JSX.Element {
  const asked = useSignal(view.columns.join(", "));
  const asking = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  const silent = useSignal<readonly Silent[] | undefined>(undefined);
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
      problem.value = error instanceof Error ? error.message : String(error);
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
          {silent.value.length === 0
            ? t("All have answered.")
            : t("{count} device did not answer:|{count} devices did not answer:", { count: silent.value.length })}
          <ul>
            {silent.value.slice(0, 100).map(({ device, why }) => (
              <li key={device}>
                <a href={`/devices/${encodeURIComponent(device)}`}>{device}</a>: {why}
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

/** Whoever has not answered once the job is over. */
async function silentOf(id: string, isAwaited: () => boolean): Promise<readonly Silent[]> {
  while (isAwaited()) {
    const { state, counts, devices } = await client.getJob(id);
    if (state !== "running" && counts.sent === 0)
      return devices.flatMap((one) =>
        one.state === "succeeded" ? [] : [{ device: one.device, why: one.outcome ?? one.state }],
      );
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return [];
}
