import type { JSX } from "preact";
import { useLocation } from "preact-iso/router";
import { counted } from "#shared/counted";
import { draft } from "../state/job-draft.ts";
import { session } from "../state/session-state.ts";

interface SelectionBarProps {
  readonly selected: ReadonlySet<string>;
  readonly where: string;
  /** How many fit the filter. */
  readonly fitting: number;
  readonly onClear: () => void;
}

/** What can be done with the devices that are selected, or with all that fit the filter. */
export function SelectionBar({ selected, where, fitting, onClear }: SelectionBarProps): JSX.Element | null {
  const { route } = useLocation();
  const filtered = where.trim() !== "" && fitting > 0;
  if (session.value?.role === "viewer" || (selected.size === 0 && !filtered)) return null;
  const send = (target: NonNullable<typeof draft.value>): void => {
    draft.value = target;
    route("/jobs");
  };
  return (
    <div class="selection" role="region" aria-label="Selection" data-testid="selection">
      {selected.size > 0 && (
        <>
          <b>{counted(selected.size, "device")} selected</b>
          <button
            type="button"
            class="button primary small"
            data-testid="send-selected"
            onClick={() => send({ target: "devices", devices: [...selected].join(", ") })}
          >
            Send a command…
          </button>
          <button type="button" class="button small" data-testid="select-none" onClick={onClear}>
            Select none
          </button>
        </>
      )}
      {selected.size === 0 && filtered && (
        <button
          type="button"
          class="button small"
          data-testid="send-filtered"
          onClick={() => send({ target: "where", where })}
        >
          Send a command to {fitting === 1 ? "the one" : `the ${fitting}`} that {fitting === 1 ? "fits" : "fit"}…
        </button>
      )}
    </div>
  );
}
