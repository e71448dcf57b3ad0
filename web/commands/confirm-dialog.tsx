import type { JSX } from "preact";
import { useModal } from "../shell/use-modal.ts";
import { t } from "../language/text.ts";

interface ConfirmProps {
  readonly question: string;
  readonly consequence: string;
  readonly action: string;
  readonly onAnswer: (yes: boolean) => void;
}

/** Asks before something that cannot be undone. The native dialog keeps the focus inside and closes on Escape. */
export function Confirm({ question, consequence, action, onAnswer }: ConfirmProps): JSX.Element {
  const dialog = useModal();
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="confirm-question" onClose={() => onAnswer(false)}>
      <h2 id="confirm-question">{question}</h2>
      <p>{consequence}</p>
      <div class="actions">
        <button type="button" class="button" onClick={() => onAnswer(false)}>
          {t("Keep as it is")}
        </button>
        <button type="button" class="button danger" data-testid="command-confirm" onClick={() => onAnswer(true)}>
          {action}
        </button>
      </div>
    </dialog>
  );
}
