import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { session } from "../state/session-state.ts";

export interface SavedView {
  readonly name: string;
  /** What stands in the address. */
  readonly query: string;
}

/** Views that this browser keeps of one person: each is a button above the list. */
export const maxSavedViews = 50;
const placeOf = (): string => `muster-views-${session.peek()?.name ?? ""}`;
const saved = signal<{ readonly place: string; readonly views: readonly SavedView[] } | undefined>(undefined);

/** The views that somebody has saved in this browser. */
export function savedViews(): readonly SavedView[] {
  const place = placeOf();
  if (saved.value?.place === place) return saved.value.views;
  return readSaved(place);
}

export function keepViews(views: readonly SavedView[]): void {
  const kept = views.slice(-maxSavedViews);
  saved.value = { place: placeOf(), views: kept };
  localStorage.setItem(placeOf(), JSON.stringify(kept));
}

function readSaved(place: string): readonly SavedView[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(place) ?? "[]");
    return Array.isArray(kept) ? (kept as SavedView[]).filter((one) => typeof one?.name === "string") : [];
  } catch {
    return [];
  }
}

/** The saved views, each one click away. */
export function SavedViews({ query, onView }: { query: string; onView: (query: string) => void }): JSX.Element | null {
  const views = savedViews();
  if (views.length === 0) return null;
  return (
    <nav class="saved-views" aria-label="Saved views">
      {views.map((one) => (
        <button
          key={one.name}
          type="button"
          class="button small"
          aria-pressed={one.query === query}
          data-testid={`view-chip-${one.name}`}
          onClick={() => onView(one.query)}
        >
          {one.name}
        </button>
      ))}
    </nav>
  );
}
