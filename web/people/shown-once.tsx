import type { JSX } from "preact";

/** A secret that was made and is not told again. */
export function ShownOnce({ of, secret }: { readonly of: string; readonly secret: string }): JSX.Element {
  return (
    <p class="banner" role="status" data-testid="shown-once">
      <span>
        {of}, shown this once: <code data-testid="secret">{secret}</code>
      </span>
    </p>
  );
}
