import type { JSX } from "preact";
import { usualGap, type Liveness } from "#shared/liveness";
import { formatCoarsely } from "../format/format-duration.ts";
import type { Tracked } from "../state/fleet-state.ts";
import { now } from "../state/now.ts";
import { Ago, At, ToldText } from "../format/when.tsx";
import { t, word } from "../language/text.ts";

export function PresenceDot({ tracked }: { tracked: Tracked }): JSX.Element {
  const { id, online } = tracked.presence.value;
  return <StateDot id={id} online={online} state={tracked.state.value} title={rhythmOf(tracked)} />;
}

interface StateDotProps {
  readonly id: string;
  readonly online: boolean;
  readonly state: Liveness;
  readonly title?: string | undefined;
}

/** A dot, never colour alone: its meaning is said as well. */
export function StateDot({ id, online, state, title }: StateDotProps): JSX.Element {
  return (
    <span
      class={`dot ${state}`}
      data-testid={`presence-${id}`}
      data-online={String(online)}
      data-state={state}
      title={title}
    >
      <span class="visually-hidden">{word(state)}</span>
    </span>
  );
}

/** "Online since 12:03:04 (2 h)", "Offline since …: the agent was stopped", "Reporting, heard 3 s ago" or "Silent since …". */
export function PresenceLine({ tracked }: { tracked: Tracked }): JSX.Element {
  const { online, since, reason, paused, retired } = tracked.presence.value;
  const state = tracked.state.value;
  const seen = tracked.seen.value;
  if (retired)
    return (
      <span class="presence-line" data-testid="presence-line">
        <b>{t("Retired")}</b>
        <Since ts={retired.ts} />
        <span class="reason"> {t("— by {by}", { by: retired.by })}</span>
      </span>
    );
  if (state === "reporting" || state === "silent")
    return (
      <span class="presence-line" data-testid="presence-line" title={rhythmOf(tracked)}>
        <b>{state === "silent" ? t("Silent") : t("Reporting")}</b>
        {seen !== null &&
          (state === "silent" ? (
            <Since ts={seen} />
          ) : (
            <>
              {t(", heard")} <Ago ts={seen} />
            </>
          ))}
      </span>
    );
  return (
    <span class="presence-line" data-testid="presence-line">
      <b>{online ? t("Online") : t("Offline")}</b>
      {since !== null && <Since ts={since} />}
      {!online && reason && (
        <span class="reason">
          {" "}
          — <ToldText text={reason} />
        </span>
      )}
      {online && paused && <span class="state wait">{t("Paused")}</span>}
    </span>
  );
}

function Since({ ts }: { ts: number }): JSX.Element {
  const seconds = Math.floor((now.value - ts) / 1_000);
  return (
    <>
      {t(" since ")}
      <At ts={ts} />
      {seconds > 0 && ` (${formatCoarsely(seconds * 1_000)})`}
    </>
  );
}

/** By what it counts as reporting or silent; undefined of what has an agent, which says so itself. */
function rhythmOf({ state, silentAfter }: Tracked): string | undefined {
  if (state.value !== "reporting" && state.value !== "silent") return undefined;
  const gap = usualGap(silentAfter.value);
  const usual =
    gap === undefined
      ? t("How often it sends is not known yet")
      : t("It sends about every {span}", { span: formatCoarsely(gap) });
  return t("{usual}; it counts as silent after {span} without a word.", {
    usual,
    span: formatCoarsely(silentAfter.value),
  });
}
