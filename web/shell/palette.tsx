import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { allRows } from "../state/fleet-rows.ts";
import { logOut, session } from "../state/session-state.ts";

interface Entry {
  readonly name: string;
  readonly what: string;
  readonly run: () => void;
}

/** Entries that are offered at once. */
const most = 12;

/** Goes anywhere and does anything, by a few letters of its name. */
export function Palette({ onEnd }: { onEnd: () => void }): JSX.Element {
  const { route } = useLocation();
  const dialog = useRef<HTMLDialogElement>(null);
  const words = useSignal("");
  const chosen = useSignal(0);
  useEffect(() => dialog.current?.showModal(), []);
  const to = (path: string) => () => route(path);
  const places: readonly Entry[] = [
    { name: "Fleet", what: "page", run: to("/") },
    { name: "Fleet as a mosaic", what: "view", run: to("/?as=mosaic") },
    { name: "Fleet by group", what: "view", run: to("/?group=group") },
    { name: "Offline devices", what: "view", run: to("/?state=offline") },
    { name: "Wall", what: "view", run: to("/?as=mosaic&wall=") },
    { name: "Commands", what: "page", run: to("/commands") },
    { name: "Jobs", what: "page", run: to("/jobs") },
    ...(session.value?.role === "viewer" ? [] : [{ name: "New job", what: "send", run: to("/jobs") }]),
    { name: "Sessions", what: "page", run: to("/sessions") },
    { name: "Tokens", what: "page", run: to("/tokens") },
    { name: "People", what: "page", run: to("/people") },
    { name: "Audit", what: "page", run: to("/audit") },
    { name: "Log out", what: "do", run: () => void logOut().catch(() => {}) },
  ];
  const wanted = words.value.toLowerCase().split(/\s+/);
  const fits = (name: string): boolean => wanted.every((word) => name.toLowerCase().includes(word));
  const found: Entry[] = places.filter(({ name }) => fits(name));
  for (const { id } of words.value.trim() === "" ? [] : allRows()) {
    if (found.length >= most) break;
    if (fits(id)) found.push({ name: id, what: "device", run: to(`/devices/${encodeURIComponent(id)}`) });
  }
  const shown = found.slice(0, most);
  const run = (entry: Entry | undefined): void => {
    if (!entry) return;
    dialog.current?.close();
    entry.run();
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") chosen.value = Math.min(shown.length - 1, chosen.peek() + 1);
    else if (event.key === "ArrowUp") chosen.value = Math.max(0, chosen.peek() - 1);
    else if (event.key === "Enter") run(shown[chosen.peek()]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog ref={dialog} class="confirm palette" aria-label="Go to" data-testid="palette" onClose={onEnd}>
      <input
        type="search"
        role="combobox"
        list={undefined}
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={`palette-${chosen.value}`}
        aria-label="Where to"
        placeholder="A device, a page, something to do"
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
            {entry.name} <span class="muted">{entry.what}</span>
          </li>
        ))}
      </ul>
    </dialog>
  );
}
