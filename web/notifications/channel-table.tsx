import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { ChannelDocument } from "#api/client";
import { channelKindOf } from "#shared/channels/channel-kinds";
import { formatAgo } from "../format/format-duration.ts";
import { t, word } from "../language/text.ts";
import { managesPeople } from "../people/people-nav.tsx";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { now } from "../state/now.ts";
import { client } from "../state/page-client.ts";
import { useAttempt, useOnce } from "../state/use-answer.ts";

interface TableProps {
  readonly channels: readonly ChannelDocument[];
  readonly change: (one: ChannelDocument) => void;
  readonly remove: (one: ChannelDocument) => void;
  /** Hears that one was tried: how it stands is read anew. */
  readonly tested: () => Promise<unknown>;
}

/** Each channel with how it stands, and a button that tries it. */
export function ChannelTable({ channels, ...acts }: TableProps): JSX.Element {
  if (channels.length === 0) return <p class="hint">{t("There is no channel yet.")}</p>;
  const heads = [t("Channel"), t("Kind"), t("State"), t("Waiting"), t("Given up"), t("Last")];
  return (
    <div class="panel scroll told" tabIndex={0} role="region" aria-label={t("Channels")}>
      <MatrixTable data-testid="channels">
        <thead>
          <tr>
            {heads.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            {managesPeople() && (
              <th scope="col" class="wrap">
                <span class="visually-hidden">{t("Actions")}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {channels.map((one) => (
            <ChannelRow key={one.name} channel={one} {...acts} />
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}

function ChannelRow({
  channel,
  ...acts
}: { readonly channel: ChannelDocument } & Omit<TableProps, "channels">): JSX.Element {
  const { name, kind, enabled, usual, waiting, failed, last } = channel;
  return (
    <tr data-testid={`channel-${name}`}>
      <th scope="row">{name}</th>
      <td>{word(channelKindOf(kind)?.title ?? kind)}</td>
      <td>{enabled ? (usual ? t("for all alerts") : t("where it is named")) : t("off")}</td>
      <td>{waiting}</td>
      <td class={failed > 0 ? "bad" : undefined}>{failed}</td>
      <td class={last?.state === "failed" ? "bad" : undefined} title={last?.said ?? undefined}>
        {last ? `${word(last.state)} ${formatAgo(last.ts, now.value)}` : "\u2013"}
      </td>
      {managesPeople() && (
        <td class="wrap">
          <ChannelActions channel={channel} {...acts} />
        </td>
      )}
    </tr>
  );
}

function ChannelActions({
  channel,
  change,
  remove,
  tested,
}: { readonly channel: ChannelDocument } & Omit<TableProps, "channels">): JSX.Element {
  const { name } = channel;
  const came = useSignal<{ readonly delivered: boolean; readonly said: string } | undefined>(undefined);
  const { problem, attempt } = useAttempt();
  const [busy, once] = useOnce();
  const test = async (): Promise<void> => {
    came.value = undefined;
    await attempt(async () => (came.value = await client.testChannel(name)));
    await tested();
  };
  const state = problem.value === undefined ? came.value : { delivered: false, said: problem.value };
  const button = (text: string, label: string, act: () => void): JSX.Element => (
    <button type="button" class="button small" aria-label={label} disabled={busy} onClick={act}>
      {text}
    </button>
  );
  return (
    <span class="choices">
      {button(t("Test"), t("Test the channel {name}", { name }), () => once(test))}{" "}
      {button(t("Change"), t("Change the channel {name}", { name }), () => change(channel))}{" "}
      {button(t("Remove"), t("Remove the channel {name}", { name }), () => remove(channel))}
      <span
        role="status"
        data-testid={`channel-test-${name}`}
        class={state && !busy ? (state.delivered ? "" : "refusal") : "muted"}
      >
        {busy
          ? ` ${t("sending …")}`
          : state && ` ${state.delivered ? word("delivered") : word("failed")}: ${state.said}`}
      </span>
    </span>
  );
}
