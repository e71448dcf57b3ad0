import type { JSX } from "preact";
import { client } from "../state/page-client.ts";
import { generation, refusals } from "../state/live-state.ts";
import { useAnswer } from "../state/use-answer.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { Ago, ToldText } from "../format/when.tsx";
import { t } from "../language/text.ts";

/** What was refused of late of a device: when, where, why, and what would have been taken. Nothing, where there is none. */
export function RefusedSection({ device }: { device: string }): JSX.Element | null {
  const { answer, problem } = useAnswer(
    async () => (await client.listRefusals({ device })).refusals,
    [device, generation.value, refusals.value],
  );
  const known = answer.value ?? [];
  if (problem.value) return <p class="refusal">{problem.value}</p>;
  if (known.length === 0) return null;
  return (
    <section aria-labelledby="refused-title" data-testid="refused">
      <h2 id="refused-title">{t("Refused")}</h2>
      <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("What was refused")}>
        <MatrixTable>
          <thead>
            <tr>
              {[t("Last"), t("Topic"), t("Times"), t("Why")].map((name) => (
                <th key={name} scope="col" class={name === t("Why") ? "wrap" : undefined}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {known.map((one) => (
              <tr key={JSON.stringify([one.name, one.topic, one.why])}>
                <td>
                  <Ago ts={one.last} />
                </td>
                <td class="brief">
                  {one.topic ??
                    (one.address === undefined ? t("a login") : t("a login from {address}", { address: one.address }))}
                </td>
                <td>{one.count}</td>
                <td class="wrap">
                  <ToldText text={one.why} />
                  {one.try !== undefined && (
                    <>
                      <br />
                      <code>{one.try}</code>
                    </>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </MatrixTable>
      </div>
    </section>
  );
}
