import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useModal } from "../shell/use-modal.ts";
import type { ShownRuleDocument } from "#api/client";
import { t } from "../language/text.ts";
import { Labelled } from "../people/labelled.tsx";
import { allRows, shownName } from "../state/fleet-rows.ts";
import { client } from "../state/page-client.ts";
import { Episodes, type FoundEpisodes } from "./rule-episodes.tsx";

interface TestProps {
  readonly rule: ShownRuleDocument["rule"];
  readonly onEnd: () => void;
}

/** When a rule would have fired on one device in the last week, by what the store has of it. */
export function RuleTest({ rule, onEnd }: TestProps): JSX.Element {
  const device = useSignal("");
  const came = useSignal<FoundEpisodes | Error | "busy" | undefined>(undefined);
  const dialog = useModal();
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (device.value === "") return;
    came.value = "busy";
    try {
      came.value = await client.previewAlertRule({ rule, device: device.value });
    } catch (error) {
      came.value = error instanceof Error ? error : new Error(String(error));
    }
  };
  const found = came.value;
  return (
    <dialog ref={dialog} class="confirm rule-test" aria-labelledby="rule-test-title" onClose={onEnd}>
      <h2 id="rule-test-title">{t("Test {rule} on the last week", { rule: rule.name })}</h2>
      <p>
        <code>{rule.when}</code>
      </p>
      <form onSubmit={(event) => void submit(event)}>
        <Labelled id="rule-test-device" title={t("Device")}>
          <select
            id="rule-test-device"
            data-testid="rule-test-device"
            value={device.value}
            onChange={({ currentTarget }) => (device.value = currentTarget.value)}
          >
            <option value="">–</option>
            {allRows().map((row) => (
              <option key={row.id} value={row.id}>
                {shownName(row)}
              </option>
            ))}
          </select>
        </Labelled>
        <div role="status">
          {found === "busy" ? (
            <p class="hint">{t("looking …")}</p>
          ) : found instanceof Error ? (
            <p class="refusal">{found.message}</p>
          ) : (
            found && <Episodes found={found} />
          )}
        </div>
        <div class="actions">
          <button type="button" class="button" onClick={onEnd}>
            {t("Close")}
          </button>
          <button type="submit" class="button primary" data-testid="rule-test-run" disabled={device.value === ""}>
            {t("Test")}
          </button>
        </div>
      </form>
    </dialog>
  );
}
