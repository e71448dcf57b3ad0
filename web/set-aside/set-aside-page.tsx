import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { QuarantineDocument } from "#api/quarantine-routes";
import type { RefusedDocument } from "#api/refusal-routes";
import { saveAsFile } from "../shell/save-file.ts";
import { SetAsideSection } from "../devices/set-aside-section.tsx";
import { HealthNav } from "../health/health-nav.tsx";
import { useTitle } from "../shell/title.ts";
import { generation, refusals as newRefusals } from "../state/live-state.ts";
import { client } from "../state/page-client.ts";
import { useAnswer } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import { RefusedMessages } from "./refused-messages.tsx";
import "./set-aside.css";
import { t } from "../language/text.ts";

interface Known {
  readonly refusals: readonly RefusedDocument[];
  readonly quarantine: QuarantineDocument;
}

/** Fields that are asked for at once: a list of more than that nobody reads. */
const atOnce = 1_000;

/** What devices have sent and Muster did not take: messages and logins that were refused, and batches and fields that are not stored. */
export function SetAsidePage(): JSX.Element {
  useTitle(t("Set aside"));
  const sought = useSignal("");
  const mayAct = session.value?.role !== "viewer";
  const {
    answer: known,
    problem,
    attempt,
  } = useAnswer<Known>(async () => {
    const [quarantine, { refusals }] = await Promise.all([
      client.getQuarantine({ limit: atOnce }),
      // What everybody was refused is no viewer's business.
      mayAct ? client.listRefusals({}) : { refusals: [] },
    ]);
    return { quarantine, refusals };
  }, [generation.value, newRefusals.value]);
  const all = known.value?.refusals ?? [];
  const words = sought.value.trim().toLowerCase();
  const shown = all.filter((one) => `${one.name} ${one.topic} ${one.why}`.toLowerCase().includes(words));
  const fields = known.value?.quarantine.entries.length ?? 0;
  const save = (): void =>
    saveAsFile("muster-set-aside.json", new Blob([JSON.stringify(known.value, null, 2)], { type: "application/json" }));
  return (
    <main class="page">
      <div class="page-head">
        <h1>{t("Set aside")}</h1>
        <HealthNav />
      </div>
      <p class="hint">
        {t(
          "What was sent and not taken, and why. Messages are kept in the console's memory, the newest of each kind; batches and fields that are not stored are counted in its database.",
        )}
      </p>
      {problem.value && (
        <p class="refusal" role="alert">
          {problem.value}
        </p>
      )}
      {known.value && all.length + fields === 0 && <p class="hint">{t("Nothing is set aside.")}</p>}
      {all.length + fields > 0 && (
        <div class="set-aside-bar">
          {all.length > 0 && (
            <input
              type="search"
              aria-label={t("Find by device, topic or reason")}
              placeholder={t("Device, topic or reason")}
              data-testid="set-aside-search"
              value={sought.value}
              onInput={(event) => (sought.value = event.currentTarget.value)}
            />
          )}
          <button type="button" class="button small" data-testid="set-aside-export" onClick={save}>
            {t("Export")}
          </button>
          {mayAct && all.length > 0 && (
            <button
              type="button"
              class="button small"
              data-testid="forget-refusals"
              onClick={() => void attempt(() => client.forgetRefusals({}))}
            >
              {t("Delete all messages")}
            </button>
          )}
        </div>
      )}
      {all.length > 0 && (
        <section aria-labelledby="refused-messages-title">
          <h2 id="refused-messages-title">{t("Messages and logins")}</h2>
          {shown.length === 0 ? (
            <p class="hint">{t("None of them fits.")}</p>
          ) : (
            <RefusedMessages
              refusals={shown}
              forget={mayAct ? (one) => void attempt(() => client.forgetRefusal(String(one.id))) : undefined}
            />
          )}
        </section>
      )}
      <SetAsideSection />
    </main>
  );
}
