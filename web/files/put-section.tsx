import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { PresenceDocument } from "#api/device-routes";
import { t } from "../language/text.ts";
import { later } from "../shell/later.tsx";
import { session } from "../state/session-state.ts";

const PutForm = later("The form for files", async () => (await import("./put-form.tsx")).PutForm);

/** A file onto a device that takes files, by those who may send commands. */
export function PutSection(props: {
  readonly device: PresenceDocument;
  readonly onSent: (id: string) => void;
}): JSX.Element | null {
  const open = useSignal(false);
  if (session.value?.role === "viewer" || props.device.commands?.["put"] === undefined) return null;
  return (
    <div class="put-section">
      <button
        type="button"
        class="button small"
        data-testid="put-open"
        aria-expanded={open.value}
        onClick={() => (open.value = !open.value)}
      >
        {t("Put a file…")}
      </button>
      {open.value && <PutForm {...props} />}
    </div>
  );
}
