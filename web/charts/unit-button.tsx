import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { session } from "../state/session-state.ts";
import type { Panel } from "./panels.ts";
import type { UnitDialog } from "./unit-dialog.tsx";
import { t } from "../language/text.ts";

/** The way to say what a chart's fields are measured in; the dialog's code is fetched when somebody wants it. */
export function UnitButton({ device, panel }: { device: string; panel: Panel }): JSX.Element | null {
  const dialog = useSignal<{ readonly Shown: typeof UnitDialog } | undefined>(undefined);
  if (session.value?.role === "viewer") return null;
  const open = (): void =>
    void import("./unit-dialog.tsx").then(
      ({ UnitDialog: Shown }) => (dialog.value = { Shown }),
      () => {},
    );
  const Shown = dialog.value?.Shown;
  return (
    <>
      <button type="button" class="csv" aria-label={t("Units of {title}", { title: panel.title })} onClick={open}>
        {t("Units")}
      </button>
      {Shown && <Shown device={device} panel={panel} close={() => (dialog.value = undefined)} />}
    </>
  );
}
