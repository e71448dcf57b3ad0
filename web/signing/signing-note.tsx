import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { browserKey, findKey, makeBrowserKey, signingProblem } from "./browser-key.ts";
import { t } from "../language/text.ts";

/** Whether this browser can sign for a device that takes no command without, and what to do where it cannot. */
export function SigningNote({ signers }: { signers: readonly string[] }): JSX.Element {
  useEffect(() => void findKey(), []);
  const key = browserKey.value;
  if (signingProblem.value)
    return (
      <p class="hint" data-testid="signing-problem">
        {t("This device takes only signed commands. {signingProblem} Use", { signingProblem: signingProblem.value })}{" "}
        <code>muster send --sign KEYFILE</code>.
      </p>
    );
  if (key === undefined) return <p class="hint" aria-busy="true" />;
  if (key === null)
    return (
      <div class="hint" data-testid="signing-none">
        <p>{t("This device takes only commands that a pinned key has signed. This browser has none.")}</p>
        <button type="button" class="button small" data-testid="signing-make" onClick={() => void makeBrowserKey()}>
          {t("Make a key in this browser")}
        </button>
      </div>
    );
  if (signers.includes(key.id))
    return (
      <p class="hint" data-testid="signing-ready">
        {t("Signed with this browser's key {id}, which stays here.", { id: key.id })}
      </p>
    );
  return (
    <div class="hint" data-testid="signing-unpinned">
      <p>
        {t(
          "This device takes only signed commands, and this browser's key is not pinned on it. Add this line to its setting MUSTER_SIGNERS, or have somebody whose key is pinned send",
        )}{" "}
        <code>set-signers</code> {t("with it:")}
      </p>
      <code class="wrapping" data-testid="signing-line">
        {key.line}
      </code>
    </div>
  );
}
