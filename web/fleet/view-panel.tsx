import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { session } from "../state/session-state.ts";
import { maxOwnColumns } from "../state/fleet-rows.ts";
import { fetchFilterNames, filterNames } from "./filter-field.tsx";
import { fleetQuery, fleetViewOf, type FleetView } from "./fleet-view.ts";

interface ViewPanelProps {
  readonly view: FleetView;
  readonly onView: (changes: Partial<FleetView>) => void;
}

interface SavedView {
  readonly name: string;
  /** What stands in the address. */
  readonly query: string;
}

/** Views that this browser keeps of one person. */
const maxSaved = 50;
const placeOf = (): string => `muster-views-${session.peek()?.name ?? ""}`;

function readSaved(): readonly SavedView[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(placeOf()) ?? "[]");
    return Array.isArray(kept) ? (kept as SavedView[]).filter((one) => typeof one?.name === "string") : [];
  } catch {
    return [];
  }
}

/** By what the fleet is grouped, which columns it has, and views that were saved. */
export function ViewPanel({ view, onView }: ViewPanelProps): JSX.Element {
  const saved = useSignal<readonly SavedView[]>(readSaved());
  const name = useSignal("");
  const columns = useSignal(view.columns.join(", "));
  useEffect(() => void fetchFilterNames(), []);
  const names = filterNames.value;
  const groupable = [
    ...new Set([
      "group",
      "tag",
      "state",
      "version",
      "model",
      "place",
      ...names.flatMap((one) => (one.values.length > 0 ? [one.name] : [])),
    ]),
  ];
  const keep = (next: readonly SavedView[]): void => {
    saved.value = next.slice(-maxSaved);
    localStorage.setItem(placeOf(), JSON.stringify(saved.peek()));
  };
  return (
    <section class="fleet-panel view-panel" aria-label="View" data-testid="view-panel">
      <label>
        Group by
        <select
          data-testid="view-group"
          value={view.group}
          onChange={(event) => onView({ group: event.currentTarget.value })}
        >
          <option value="">nothing</option>
          {groupable.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const asked = columns.value.split(",").map((one) => one.trim());
          onView({ columns: [...new Set(asked.filter(Boolean))].slice(0, maxOwnColumns) });
        }}
      >
        <label>
          Columns beside the usual ones
          <input
            list="view-columns-known"
            data-testid="view-columns"
            placeholder="version, net.bytes_recv"
            value={columns.value}
            onInput={(event) => (columns.value = event.currentTarget.value)}
          />
        </label>
        <datalist id="view-columns-known">
          {names.map((one) => (
            <option
              key={one.name}
              value={[
                ...columns.value
                  .split(",")
                  .slice(0, -1)
                  .map((part) => part.trim()),
                one.name,
              ].join(", ")}
            />
          ))}
        </datalist>
        <button class="button" data-testid="view-columns-show">
          Show
        </button>
      </form>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const called = name.value.trim();
          if (called === "") return;
          keep([...saved.value.filter((one) => one.name !== called), { name: called, query: fleetQuery(view) }]);
          name.value = "";
        }}
      >
        <label>
          Save this view as
          <input
            data-testid="view-name"
            value={name.value}
            onInput={(event) => (name.value = event.currentTarget.value)}
          />
        </label>
        <button class="button" data-testid="view-save">
          Save
        </button>
      </form>
      {saved.value.length > 0 && (
        <ul class="saved-views">
          {saved.value.map((one) => (
            <li key={one.name}>
              <button
                type="button"
                class="button small"
                data-testid={`saved-${one.name}`}
                onClick={() => {
                  const next = fleetViewOf(one.query);
                  columns.value = next.columns.join(", ");
                  onView(next);
                }}
              >
                {one.name}
              </button>
              <button
                type="button"
                class="button small"
                aria-label={`Forget the view ${one.name}`}
                onClick={() => keep(saved.value.filter(({ name: other }) => other !== one.name))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
