import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useModal } from "./use-modal.ts";
import { useLocation } from "preact-iso/router";
import { plainName } from "#shared/filter/condition";
import type { KeptCommandDocument } from "#api/favourite-routes";
import { typedCommand } from "../jobs/read-order.ts";
import { commandDraft } from "../state/command-draft.ts";
import { keptCommands, keptViews } from "../state/favourites-state.ts";
import { allRows, lookUpOf, shownName, type ListedRow } from "../state/fleet-rows.ts";
import { draft } from "../state/job-draft.ts";
import { offered, useOffered } from "../state/offered-keys.ts";
import { logOut, session } from "../state/session-state.ts";
import { maxPaletteEntries } from "./palette-size.ts";
import { t, word } from "../language/text.ts";

interface Entry {
  readonly name: string;
  readonly what: string;
  readonly run: () => void;
}

/** Goes anywhere and does anything, by a few letters of its name. */
export function Palette({ onEnd }: { onEnd: () => void }): JSX.Element {
  const { route } = useLocation();
  useOffered();
  const dialog = useModal();
  const words = useSignal("");
  const chosen = useSignal(0);
  const to = (path: string) => () => route(path);
  const places: readonly Entry[] = [
    { name: t("Fleet"), what: "page", run: to("/") },
    { name: t("Fleet as a mosaic"), what: "view", run: to("/?as=mosaic") },
    { name: t("Fleet by group"), what: "view", run: to("/?group=group") },
    { name: t("Offline devices"), what: "view", run: to("/?state=offline") },
    { name: t("Wall"), what: "view", run: to("/?wall=") },
    { name: t("Commands"), what: "page", run: to("/commands") },
    { name: t("Jobs"), what: "page", run: to("/jobs") },
    ...(session.value?.role === "viewer" ? [] : [{ name: t("New job"), what: "send", run: to("/jobs") }]),
    { name: t("Schedules"), what: "page", run: to("/schedules") },
    { name: t("Alerts"), what: "page", run: to("/alerts") },
    { name: t("Health"), what: "page", run: to("/health") },
    { name: t("Set aside"), what: "page", run: to("/set-aside") },
    { name: t("Notifications"), what: "page", run: to("/notifications") },
    { name: t("Settings"), what: "page", run: to("/settings") },
    { name: t("Sessions"), what: "page", run: to("/sessions") },
    { name: t("Tokens"), what: "page", run: to("/tokens") },
    { name: t("People"), what: "page", run: to("/people") },
    { name: t("Audit"), what: "page", run: to("/audit") },
    { name: t("Log out"), what: "do", run: () => void logOut().catch(() => {}) },
  ];
  const isAsked = words.value.trim() !== "";
  const wanted = words.value.toLowerCase().split(/\s+/);
  const mayNot = session.value?.role === "viewer";
  const commands = mayNot ? [] : [...new Set(offered.value.flatMap(({ offers }) => offers))].sort();
  const more: readonly Entry[] = [
    ...(mayNot ? [] : keptCommands()).map((kept) => ({
      name: t("Send {name}", { name: kept.name }),
      what: "favourite",
      run: () => startFavourite(kept, route),
    })),
    ...keptViews().map(({ name, query }) => ({ name, what: t("saved view"), run: to(`/${query}`) })),
    ...commands.map((key) => ({ name: t("Send {key}", { key }), what: "command", run: () => startJob(key, route) })),
  ];
  const fits = (name: string): boolean => wanted.every((word) => name.toLowerCase().includes(word));
  const found: Entry[] = [...places, ...(isAsked ? more : [])].filter(({ name }) => fits(name));
  for (const row of isAsked ? allRows() : []) {
    if (found.length >= maxPaletteEntries) break;
    if (fits(findable(row)))
      found.push({ name: called(row), what: "device", run: to(`/devices/${encodeURIComponent(row.id)}`) });
  }
  const shown = found.slice(0, maxPaletteEntries);
  const run = (entry: Entry | undefined): void => {
    if (!entry) return;
    dialog.current?.close();
    entry.run();
  };
  const pressed = (event: KeyboardEvent): void => {
    // By itself the browser would first take away what is written.
    if (event.key === "Escape") dialog.current?.close();
    else if (event.key === "ArrowDown") chosen.value = Math.min(shown.length - 1, chosen.peek() + 1);
    else if (event.key === "ArrowUp") chosen.value = Math.max(0, chosen.peek() - 1);
    else if (event.key === "Enter") run(shown[chosen.peek()]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog ref={dialog} class="confirm palette" aria-label={t("Go to")} data-testid="palette" onClose={onEnd}>
      <input
        type="search"
        role="combobox"
        list={undefined}
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={`palette-${chosen.value}`}
        aria-label={t("Where to")}
        placeholder={t("A device, a page, something to do")}
        data-testid="palette-words"
        value={words.value}
        onInput={(event) => {
          words.value = event.currentTarget.value;
          chosen.value = 0;
        }}
        onKeyDown={pressed}
      />
      <ul id="palette-list" role="listbox">
        {shown.map((entry, index) => (
          <li
            key={`${entry.what} ${entry.name}`}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === chosen.value}
            class={index === chosen.value ? "chosen" : ""}
            onClick={() => run(entry)}
          >
            {entry.name} <span class="muted">{word(entry.what)}</span>
          </li>
        ))}
      </ul>
      {shown.length === 0 && (
        <p class="hint" role="status">
          {t("Nothing fits: no page, device, saved view or command has this in its name, group or tag.")}
        </p>
      )}
    </dialog>
  );
}

/** By what a device is found: its names, groups and tags. */
function findable(row: ListedRow): string {
  return [lookUpOf(row)(plainName) ?? []].flat().join(" ");
}

function called(row: ListedRow): string {
  const name = shownName(row);
  return name === row.id ? name : `${name} (${row.id})`;
}

/** The form for a job, with this command. */
function startJob(key: string, route: (path: string) => void): void {
  draft.value = { key };
  route("/jobs");
}

/** On a device's page its own form, elsewhere that for a job, filled with it. */
function startFavourite(kept: KeptCommandDocument, route: (path: string) => void): void {
  const [, device] = /^\/devices\/([^/]+)$/.exec(location.pathname) ?? [];
  if (device !== undefined) {
    commandDraft.value = { ...kept, device: decodeURIComponent(device) };
    return;
  }
  draft.value = typedCommand(kept);
  route("/jobs");
}
