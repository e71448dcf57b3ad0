import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { MadeEnrollment } from "#api/client";
import { QrPicture } from "./qr-picture.tsx";
import { t } from "../language/text.ts";

/** The line is shown this once; nobody can have it again. */
export function MadeCode({ made }: { made: MadeEnrollment }): JSX.Element {
  const { line, code, note, qr } = made;
  const copied = useSignal(false);
  const copy = (): void => void navigator.clipboard?.writeText(line).then(() => (copied.value = true));
  return (
    <div class="made" data-testid="made">
      <div>
        <p>
          {t(
            "Paste this line into a shell of the device, where curl and Node 18.19 or newer are. It is shown this once.",
          )}
        </p>
        <pre class="line" data-testid="join-line" tabIndex={0}>
          {line}
        </pre>
        <button type="button" class="button small" onClick={copy}>
          {copied.value ? t("Copied") : t("Copy")}
        </button>
        {note !== null && <p class="field-note">{note}</p>}
        <details>
          <summary>{t("Without curl")}</summary>
          <pre class="line">node muster-agent.cjs join {code}</pre>
        </details>
      </div>
      <QrPicture rows={qr} title={t("The line as a QR code")} />
    </div>
  );
}
