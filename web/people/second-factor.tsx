import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { QrPicture } from "../devices/qr-picture.tsx";
import { client } from "../state/page-client.ts";
import { useAttempt } from "../state/use-answer.ts";
import { Typed } from "./labelled.tsx";
import { t } from "../language/text.ts";

interface Key {
  readonly secret: string;
  readonly qr: readonly string[];
}

/** Sets up a second factor for one's own account. */
export function SecondFactorSection(): JSX.Element {
  const key = useSignal<Key | undefined>(undefined);
  const code = useSignal("");
  const recovery = useSignal<readonly string[] | undefined>(undefined);
  const { problem, attempt } = useAttempt();
  const begin = async (): Promise<void> => {
    key.value = await client.beginSecondFactor();
  };
  const confirm = async (): Promise<void> => {
    recovery.value = (await client.confirmSecondFactor({ code: code.value })).recovery;
    key.value = undefined;
  };
  return (
    <section class="command-form" aria-labelledby="factor-title">
      <h2 id="factor-title">{t("Second factor")}</h2>
      {problem.value && <p class="refusal">{problem.value}</p>}
      {recovery.value ? (
        <>
          <p class="hint">
            {t(
              "A code of your authenticator is asked for at each login from now on. Each of these is good once in its place; they are shown this once:",
            )}
          </p>
          <pre data-testid="recovery">{recovery.value.join("\n")}</pre>
        </>
      ) : key.value ? (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            void attempt(confirm);
          }}
        >
          <QrPicture rows={key.value.qr} title={t("The key as a QR code")} />
          <p class="hint">
            {t("Scan it with an authenticator, or type")} <code data-testid="factor-key">{key.value.secret}</code>
          </p>
          <Typed
            id="factor-code"
            title={t("Its code")}
            code
            value={code.value}
            onTyped={(text) => (code.value = text)}
          />
          <button type="submit" class="button primary" data-testid="factor-confirm">
            {t("Confirm")}
          </button>
        </form>
      ) : (
        <>
          <p class="hint">
            {t("A code of an authenticator besides your password. Tokens of programs do not need it.")}
          </p>
          <button type="button" class="button" data-testid="factor-begin" onClick={() => void attempt(begin)}>
            {t("Set it up")}
          </button>
        </>
      )}
    </section>
  );
}
