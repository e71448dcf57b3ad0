import type { JSX } from "preact";
import type { DeliveryDocument } from "#api/client";
import { formatAgo } from "../format/format-duration.ts";
import { t, word } from "../language/text.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { now } from "../state/now.ts";

/** What became of each notice, the newest first. */
export function DeliveryTable({ deliveries }: { readonly deliveries: readonly DeliveryDocument[] }): JSX.Element {
  if (deliveries.length === 0) return <p class="hint">{t("No notice yet.")}</p>;
  const heads = [t("When"), t("Notice"), t("Channel"), t("State"), t("Tries"), t("What the other side said")];
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("Newest notices")}>
      <MatrixTable data-testid="deliveries">
        <thead>
          <tr>
            {heads.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {deliveries.map(({ id, notice, channel, browser, state, tries, said }) => (
            <tr key={id} data-testid={`delivery-${id}`}>
              <td>{formatAgo(notice.at, now.value)}</td>
              <th scope="row">
                {notice.kind === "firing" ? "" : `${word(notice.kind)}: `}
                {notice.title}
              </th>
              <td>{browser?.name ?? channel}</td>
              <td class={state === "failed" ? "bad" : undefined}>{word(state)}</td>
              <td>{tries}</td>
              <td class="wrap">{said ?? "\u2013"}</td>
            </tr>
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}
