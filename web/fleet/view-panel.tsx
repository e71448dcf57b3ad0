import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { maxOwnColumns } from "../state/fleet-rows.ts";
import { fetchFilterNames, filterNames } from "./filter-field.tsx";
import { fleetQuery, fleetViewOf, type FleetView } from "./fleet-view.ts";
import { changeFavourites, keptViews } from "../state/favourites-state.ts";
import { client } from "../state/page-client.ts";
import { sentenceOf } from "../state/use-answer.ts";
import { t } from "../language/text.ts";

interface ViewPanelProps {
  readonly view: FleetView;
  readonly onView: (changes: Partial<FleetView>) => void;
}

/** By what the fleet is grouped, which columns it has, and views that were saved. */
export function ViewPanel({ view, onView }: ViewPanelProps): JSX.Element {
  const saved = keptViews();
  const name = useSignal("");
  const refused = useSignal<string | undefined>(undefined);
  const change = async (act: () => Promise<unknown>): Promise<void> => {
    try {
      await changeFavourites(act);
      refused.value = undefined;
    } catch (error) {
      refused.value = sentenceOf(error);
    }
  };
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
  return (
    <section class="fleet-panel view-panel" aria-label={t("View")} data-testid="view-panel">
      <label>
        {t("Group by")}
        <select
          data-testid="view-group"
          value={view.group}
          onChange={(event) => onView({ group: event.currentTarget.value })}
        >
          <option value="">{t("nothing")}</option>
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
          {t("Columns beside the usual ones")}
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
          {t("Show")}
        </button>
      </form>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const called = name.value.trim();
          if (called === "") return;
          name.value = "";
          void change(() => client.keepView(called, { query: fleetQuery(view) }));
        }}
      >
        <label>
          {t("Save this view as")}
          <input
            data-testid="view-name"
            required
            value={name.value}
            onInput={(event) => (name.value = event.currentTarget.value)}
          />
        </label>
        <button class="button" data-testid="view-save">
          {t("Save")}
        </button>
      </form>
      {refused.value && (
        <p class="refusal" role="alert">
          {refused.value}
        </p>
      )}
      {saved.length > 0 && (
        <ul class="saved-views">
          {saved.map((one) => (
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
                aria-label={t("Forget the view {name}", { name: one.name })}
                onClick={() => void change(() => client.forgetView(one.name))}
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
