import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { AddDevice } from "../devices/add-device.tsx";
import { SetAsideLine } from "../set-aside/set-aside-line.tsx";
import { OutdatedNote } from "../devices/update-note.tsx";
import { later } from "../shell/later.tsx";
import { useTitle } from "../shell/title.ts";
import { allRows, fleetKnown, rowsVersion } from "../state/fleet-rows.ts";
import { session } from "../state/session-state.ts";
import { countStates } from "./arrange.ts";
import { EmptyFleet } from "./empty-fleet.tsx";
import { FilterField } from "./filter-field.tsx";
import { useFleetKeys, type FleetKey } from "./fleet-keys.ts";
import { DeviceList } from "./device-list.tsx";
import { fleetQuery, fleetViewOf, type FleetView } from "./fleet-view.ts";
import { SavedViews } from "./saved-views.tsx";
import { SelectionBar } from "./selection-bar.tsx";
import { useFleet } from "./use-fleet.ts";
import { t, word } from "../language/text.ts";

const Mosaic = later("The mosaic", async () => (await import("./mosaic.tsx")).Mosaic);
const ViewPanel = later("The view", async () => (await import("./view-panel.tsx")).ViewPanel);
const AskPanel = later("The questions", async () => (await import("./ask-panel.tsx")).AskPanel);
const KeysHelp = later("The help", async () => (await import("./keys-help.tsx")).KeysHelp);

type Panel = "add" | "view" | "ask" | "keys" | undefined;

/** All devices, live: ten or ten thousand. */
export function FleetPage(): JSX.Element {
  useTitle(t("Fleet"));
  const { route } = useLocation();
  const { view, arranged, problem, show, closed } = useFleet();
  const panel = useSignal<Panel>(undefined);
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const here = useSignal<string | undefined>(undefined);
  const { rows, items, groups } = arranged.value;
  const step = (by: number): void => {
    const listed = items.flatMap((item) => (item.kind === "row" ? [item.row.id] : []));
    const at = here.peek() === undefined ? -1 : listed.indexOf(here.peek() ?? "");
    here.value = listed[Math.max(0, Math.min(listed.length - 1, at < 0 ? 0 : at + by))];
  };
  const select = (id: string, on: boolean): void => {
    const next = new Set(selected.peek());
    if (on) next.add(id);
    else next.delete(id);
    selected.value = next;
  };
  const selectAll = (on: boolean): void => void (selected.value = new Set(on ? rows.map(({ id }) => id) : []));
  const open = (which: Panel): void => void (panel.value = panel.peek() === which ? undefined : which);
  const actions: Readonly<Record<FleetKey, () => void>> = {
    "/": () => document.getElementById("fleet-filter")?.focus(),
    j: () => step(1),
    k: () => step(-1),
    x: () => here.peek() !== undefined && select(here.peek() ?? "", !selected.peek().has(here.peek() ?? "")),
    Enter: () => here.peek() !== undefined && route(`/devices/${encodeURIComponent(here.peek() ?? "")}`),
    a: () => selectAll(selected.peek().size === 0),
    m: () => show({ as: view.as === "list" ? "mosaic" : "list" }),
    w: () => show({ wall: !view.wall }),
    Esc: () => (view.wall ? show({ wall: false }) : selectAll(false)),
    "?": () => open("keys"),
    "Ctrl K": () => {},
  };
  useFleetKeys((key) => actions[key]());
  useWall(view.wall);
  if (!fleetKnown.value) return <main class="page" aria-busy="true" />;
  return (
    <main class={view.wall ? "page wall" : "page"}>
      <div class="page-head">
        <h1>{t("Fleet")}</h1>
        <Counts view={view} onState={(state) => show({ state })} />
        <FilterField where={view.where} problem={problem} onTyped={(where) => show({ where })} />
        <div class="fleet-buttons">
          <Toggle name="mosaic" text={t("Mosaic")} on={view.as === "mosaic"} onClick={actions.m} />
          <Toggle name="view" text={t("View")} on={panel.value === "view"} onClick={() => open("view")} />
          <Toggle name="ask" text={t("Ask")} on={panel.value === "ask"} onClick={() => open("ask")} />
          {session.value?.role !== "viewer" && (
            <button
              type="button"
              class="button"
              data-testid="add-device-button"
              aria-expanded={panel.value === "add"}
              onClick={() => open("add")}
            >
              {t("Add a device")}
            </button>
          )}
        </div>
      </div>
      {!view.wall && <SavedViews query={fleetQuery(view)} onView={(query) => show(fleetViewOf(query))} />}
      {panel.value === "add" && <AddDevice />}
      {panel.value === "view" && <ViewPanel view={view} onView={show} />}
      {panel.value === "ask" && <AskPanel view={view} rows={rows} onColumns={(columns) => show({ columns })} />}
      {panel.value === "keys" && <KeysHelp onEnd={() => (panel.value = undefined)} />}
      {!view.wall && <OutdatedNote />}
      <SelectionBar
        selected={selected.value}
        view={view}
        rows={rows}
        isRead={problem === undefined}
        onClear={() => selectAll(false)}
      />
      {allRows().length === 0 ? (
        <EmptyFleet />
      ) : rows.length === 0 ? (
        <p class="hint">
          {problem === undefined
            ? t("No device fits this filter.")
            : t("Nothing is listed until the filter can be read.")}
        </p>
      ) : view.as === "mosaic" || view.wall ? (
        <Mosaic groups={groups} sort={view.sort} wall={view.wall} />
      ) : (
        <DeviceList
          items={items}
          columns={view.columns}
          sort={view.sort}
          selected={selected.value}
          here={here.value}
          listed={rows}
          stale={problem !== undefined}
          onSort={(sort) => show({ sort })}
          onSelect={select}
          onSelectAll={selectAll}
          onFold={(group) => {
            const next = new Set(closed.peek());
            if (!next.delete(group)) next.add(group);
            closed.value = next;
          }}
        />
      )}
      {!view.wall && <SetAsideLine />}
    </main>
  );
}

interface ToggleProps {
  readonly name: string;
  readonly text: string;
  readonly on: boolean;
  readonly onClick: () => void;
}

function Toggle({ name, text, on, onClick }: ToggleProps): JSX.Element {
  return (
    <button type="button" class="button" data-testid={`fleet-${name}`} aria-pressed={on} onClick={onClick}>
      {text}
    </button>
  );
}

function Counts({ view, onState }: { view: FleetView; onState: (state: FleetView["state"]) => void }): JSX.Element {
  void rowsVersion.value;
  const counts = countStates(allRows());
  // Two words more only where some device has no agent.
  const publishing = counts.reporting + counts.silent > 0 ? (["reporting", "silent"] as const) : [];
  const retired = counts.retired > 0 ? (["retired"] as const) : [];
  return (
    <div class="segments" role="group" aria-label={t("Show devices")}>
      {(["all", "online", ...publishing, "offline", ...retired] as const).map((which) => (
        <button
          key={which}
          type="button"
          aria-pressed={(view.state ?? "all") === which}
          data-testid={`count-${which}`}
          onClick={() => onState(which === "all" ? undefined : which)}
        >
          {word(which)} <b>{counts[which]}</b>
        </button>
      ))}
    </div>
  );
}

/** Takes away what stands around the page, and has the whole screen where the browser gives it. */
function useWall(wall: boolean): void {
  useEffect(() => {
    if (!wall) return;
    document.documentElement.classList.add("wall");
    // Without a gesture of somebody, as by an address alone, there is no full screen: the wall is there all the same.
    document.documentElement.requestFullscreen?.().catch(() => {});
    return () => {
      document.documentElement.classList.remove("wall");
      if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
    };
  }, [wall]);
}
