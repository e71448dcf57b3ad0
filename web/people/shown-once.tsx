import type { JSX } from "preact";
import { t } from "../language/text.ts";

/** A secret that was made and is not told again. */
export function ShownOnce({ of, secret }: { readonly of: string; readonly secret: string }): JSX.Element {
  return (
    <p class="banner" role="status" data-testid="shown-once">
      <span>
        {t("{of}, shown this once:", { of })} <code data-testid="secret">{secret}</code>
      </span>
    </p>
  );
}
