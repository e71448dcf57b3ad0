import type { JSX } from "preact";
import { useModal } from "../shell/use-modal.ts";
import { fleetKeys } from "./fleet-keys.ts";
import { t, word } from "../language/text.ts";

/** The keys of the fleet's page. */
export function KeysHelp({ onEnd }: { onEnd: () => void }): JSX.Element {
  const dialog = useModal();
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="keys-title" data-testid="keys-help" onClose={onEnd}>
      <h2 id="keys-title">{t("Keys")}</h2>
      <dl class="keys">
        {fleetKeys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{word(what)}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button class="button">{t("Close")}</button>
      </form>
    </dialog>
  );
}
