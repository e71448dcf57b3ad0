import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useNewest } from "../state/newest.ts";
import { client } from "../state/page-client.ts";
import { sentenceOf } from "../state/use-answer.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { t } from "../language/text.ts";

type Held = Readonly<Record<string, { readonly value: unknown; readonly from: string }>>;

/** What holds on the device itself at the moment: it is asked for it. */
export function HeldSettings({ device }: { device: string }): JSX.Element {
  const held = useSignal<Held | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const newest = useNewest();
  const ask = async (): Promise<void> => {
    const isNewest = newest.begin();
    try {
      const { result, explain } = await client.sendCommand(device, { key: "info", timeout: "10s" });
      if (!isNewest()) return;
      const settings = isObject(result) ? result["settings"] : undefined;
      held.value = isObject(settings) ? (settings as Held) : undefined;
      problem.value = held.value ? undefined : explain;
    } catch (error) {
      if (isNewest()) problem.value = sentenceOf(error);
    }
  };
  return (
    <div class="held-settings">
      <button type="button" class="button small" data-testid="settings-ask" onClick={() => void ask()}>
        {t("Ask what holds there")}
      </button>
      {problem.value && <p class="refusal">{problem.value}</p>}
      {held.value && (
        <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("Settings that hold")}>
          <MatrixTable data-testid="settings-held">
            <thead>
              <tr>
                {(["Setting", "Holds", "Said by"] as const).map((name) => (
                  <th key={name} scope="col">
                    {t(name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {Object.entries(held.value).map(([key, { value, from }]) => (
                <tr key={key}>
                  <th scope="row">{key}</th>
                  <td class="wrap brief setting-value">{typeof value === "string" ? value : "–"}</td>
                  <td>{sayer(from)}</td>
                </tr>
              ))}
            </tbody>
          </MatrixTable>
        </div>
      )}
    </div>
  );
}

const sayer = (from: string): string =>
  ({ console: t("the console"), machine: t("the machine"), default: t("nobody") })[from] ?? from;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
