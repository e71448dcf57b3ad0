import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { RefusedPayloadDocument } from "#api/refusal-routes";
import { hexDump, readableText } from "#shared/hex-dump";
import { client } from "../state/page-client.ts";
import { useAnswer } from "../state/use-answer.ts";
import { t } from "../language/text.ts";

/** Of a message that was refused, what came: as text where it is some, and byte by byte. It is shown as text alone: whatever it is, the page does nothing by it. */
export function PayloadView({ id }: { id: number }): JSX.Element {
  const { answer: known, problem } = useAnswer<RefusedPayloadDocument>(
    () => client.getRefusedPayload(String(id)),
    [id],
  );
  const asked = useSignal<"text" | "hex" | undefined>(undefined);
  if (problem.value) return <p class="refusal">{problem.value}</p>;
  if (!known.value) return <div aria-busy="true" />;
  const { size, data } = known.value;
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const text = readableText(bytes, bytes.length === size);
  const shown = asked.value ?? (text === undefined ? "hex" : "text");
  return (
    <div class="payload" data-testid={`payload-${id}`}>
      <div class="payload-head">
        <span class="segments" role="group" aria-label={t("Show the message as")}>
          {(["text", "hex"] as const).map((look) => (
            <button
              key={look}
              type="button"
              aria-pressed={shown === look}
              disabled={look === "text" && text === undefined}
              onClick={() => (asked.value = look)}
            >
              {look === "text" ? t("Text") : t("Hex")}
            </button>
          ))}
        </span>
        {bytes.length < size && (
          <span class="muted">{t("The first {length} of {size} bytes", { length: bytes.length, size })}</span>
        )}
      </div>
      <pre class={shown} tabIndex={0} role="region" aria-label={t("The message that was refused")}>
        {shown === "text" ? text : hexDump(bytes)}
      </pre>
    </div>
  );
}
