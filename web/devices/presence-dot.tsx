import type { JSX } from "preact";
import type { PresenceDocument } from "#api/device-routes";
import { formatCoarsely } from "../format/format-duration.ts";
import { formatMoment } from "../format/moment.ts";
import { now } from "../state/now.ts";

/** A dot, never colour alone: its meaning is said as well. */
export function PresenceDot({ device }: { device: PresenceDocument }): JSX.Element {
  return (
    <span
      class={device.online ? "dot online" : "dot"}
      data-testid={`presence-${device.id}`}
      data-online={String(device.online)}
    >
      <span class="visually-hidden">{device.online ? "online" : "offline"}</span>
    </span>
  );
}

/** "Online since 12:03:04 (2 h)" or "Offline since …: the agent was stopped". */
export function PresenceLine({ device }: { device: PresenceDocument }): JSX.Element {
  const { online, since, reason } = device;
  const seconds = since === null ? 0 : Math.floor((now.value - since) / 1_000);
  return (
    <span class="presence-line">
      <b>{online ? "Online" : "Offline"}</b>
      {since !== null && ` since ${formatMoment(since, now.value)}`}
      {seconds > 0 && ` (${formatCoarsely(seconds * 1_000)})`}
      {!online && reason && <span class="reason"> — {reason}</span>}
      {online && device.paused && <span class="state wait">Paused</span>}
    </span>
  );
}
