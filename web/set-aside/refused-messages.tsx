import { useSignal } from "@preact/signals";
import { Fragment, type JSX } from "preact";
import type { RefusedDocument } from "#api/refusal-routes";
import { formatAgo } from "../format/format-duration.ts";
import { formatMoment } from "../format/moment.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { ToldText } from "../format/when.tsx";
import { now } from "../state/now.ts";
import { PayloadView } from "./payload-view.tsx";
import { t } from "../language/text.ts";

interface RefusedMessagesProps {
  readonly refusals: readonly RefusedDocument[];
  /** Left out for who may only look. */
  readonly forget: ((one: RefusedDocument) => void) | undefined;
}

/** Messages and logins that were refused: of whom, where, how large, how often, and why; each can be looked at and let go of. */
export function RefusedMessages({ refusals, forget }: RefusedMessagesProps): JSX.Element {
  const open = useSignal<number | undefined>(undefined);
  const head = [t("Last"), t("Device"), t("Topic"), t("Size"), t("Times"), t("Why"), ...(forget ? [""] : [])];
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("Messages that were refused")}>
      <MatrixTable data-testid="refused-messages">
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col" class={name === t("Why") ? "wrap" : undefined}>
                {name || <span class="visually-hidden">{t("Actions")}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {refusals.map((one) => (
            <Fragment key={one.id}>
              <tr data-testid={`refused-${one.id}`}>
                <td title={`${formatMoment(one.first, now.value)} – ${formatMoment(one.last, now.value)}`}>
                  {formatAgo(one.last, now.value)}
                </td>
                <th scope="row">
                  {one.known ? (
                    <a href={`/devices/${encodeURIComponent(one.name ?? "")}`}>{one.name}</a>
                  ) : (
                    <>
                      {one.name ?? "–"} {one.name !== null && <span class="hint">{t("not enrolled")}</span>}
                    </>
                  )}
                </th>
                <td class="brief">
                  {one.topic ??
                    (one.address === undefined ? t("a login") : t("a login from {address}", { address: one.address }))}
                </td>
                <td>{one.size === undefined ? "–" : `${one.size} B`}</td>
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
                {forget && (
                  <td>
                    <span class="choices">
                      {one.size !== undefined && (
                        <button
                          type="button"
                          class="button small"
                          data-testid={`look-${one.id}`}
                          aria-expanded={open.value === one.id}
                          onClick={() => (open.value = open.value === one.id ? undefined : one.id)}
                        >
                          {t("Look")}
                        </button>
                      )}
                      <button
                        type="button"
                        class="button small"
                        data-testid={`forget-${one.id}`}
                        onClick={() => forget(one)}
                      >
                        {t("Delete")}
                      </button>
                    </span>
                  </td>
                )}
              </tr>
              {open.value === one.id && (
                <tr>
                  <td colSpan={head.length}>
                    <PayloadView id={one.id} />
                  </td>
                </tr>
              )}
            </Fragment>
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}
