import type { JSX } from "preact";
import { keptViews } from "../state/favourites-state.ts";
import { t } from "../language/text.ts";

/** The saved views, each one click away. */
export function SavedViews({ query, onView }: { query: string; onView: (query: string) => void }): JSX.Element | null {
  const views = keptViews();
  if (views.length === 0) return null;
  return (
    <nav class="saved-views" aria-label={t("Saved views")}>
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
