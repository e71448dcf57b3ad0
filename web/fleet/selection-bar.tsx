import type { JSX } from "preact";
import { useLocation } from "preact-iso/router";
import { typedCommand } from "../jobs/read-order.ts";
import { keptCommands } from "../state/favourites-state.ts";
import { draft } from "../state/job-draft.ts";
import { valueOf, type ListedRow } from "../state/fleet-rows.ts";
import { session } from "../state/session-state.ts";
import type { FleetView } from "./fleet-view.ts";
import { t } from "../language/text.ts";

interface SelectionBarProps {
  readonly selected: ReadonlySet<string>;
  readonly view: FleetView;
  /** What is listed. */
  readonly rows: readonly ListedRow[];
  /** Whether the filter can be read: otherwise what is seen is not what it would be sent to. */
  readonly isRead: boolean;
  readonly onClear: () => void;
}

/** What can be done with the devices that are selected, or with all that fit the filter. */
export function SelectionBar({ selected, view, rows, isRead, onClear }: SelectionBarProps): JSX.Element | null {
  const { route } = useLocation();
  const { where, state } = view;
  const seen = new Set(rows.map(({ id }) => id));
  const unseen = [...selected].filter((id) => !seen.has(id)).length;
  // A job by conditions is for what is in service.
  const fitting = rows.filter((row) => valueOf(row, "retired") !== true).length;
  const filtered = where.trim() !== "" && fitting > 0;
  if (session.value?.role === "viewer" || (selected.size === 0 && !filtered)) return null;
  const send = (target: NonNullable<typeof draft.value>): void => {
    draft.value = target;
    route("/jobs");
  };
  return (
    <div class="selection" role="region" aria-label={t("Selection")} data-testid="selection">
      {selected.size > 0 && (
        <>
          <b>{t("{count} device selected|{count} devices selected", { count: selected.size })}</b>
          {unseen > 0 && <span class="muted">{t("{unseen} of them not listed", { unseen })}</span>}
          <button
            type="button"
            class="button primary small"
            data-testid="send-selected"
            onClick={() => send({ target: "devices", devices: [...selected].join(", ") })}
          >
            {t("Send a command…")}
          </button>
          <FavouriteChoice
            onPick={(command) => send({ target: "devices", devices: [...selected].join(", "), ...command })}
          />
          <button type="button" class="button small" data-testid="select-none" onClick={onClear}>
            {t("Select none")}
          </button>
        </>
      )}
      {selected.size === 0 && filtered && (
        <button
          type="button"
          class="button small"
          data-testid="send-filtered"
          disabled={!isRead}
          title={isRead ? undefined : t("The filter cannot be read: these are the devices of the one before.")}
          onClick={() => send({ target: "where", where: state ? `(${where}) state=${state}` : where })}
        >
          {t("Send a command to the one that fits…|Send a command to the {count} that fit…", { count: fitting })}
        </button>
      )}
    </div>
  );
}

/** Commands that somebody has kept; the form for a job is filled with the one that is chosen. */
function FavouriteChoice({
  onPick,
}: {
  onPick: (command: ReturnType<typeof typedCommand>) => void;
}): JSX.Element | null {
  const kept = keptCommands();
  if (kept.length === 0) return null;
  return (
    <select
      class="small"
      aria-label={t("Send a favourite")}
      data-testid="send-favourite"
      value=""
      onChange={(event) => {
        const one = kept.find(({ name }) => name === event.currentTarget.value);
        if (one) onPick(typedCommand(one));
      }}
    >
      <option value="">{t("Send a favourite…")}</option>
      {kept.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
