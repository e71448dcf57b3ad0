import type { Bus } from "#shared/bus";
import { Channels } from "../notifications/channels.ts";
import { Courier } from "../notifications/courier.ts";
import { Notifications } from "../notifications/notifications.ts";
import { sendByChannel } from "../notifications/send-by-channel.ts";
import { ShownAlerts } from "../notifications/shown-alerts.ts";
import type { Surroundings } from "./surroundings.ts";

/** What brings word of alerts to people. */
export function notificationParts(given: Surroundings, { bus }: { readonly bus: Bus }) {
  const { clock, log, topics } = given;
  const { database, audit } = given.state;
  const channels = new Channels(database);
  const shownAlerts = new ShownAlerts({
    database,
    bus,
    topics,
    log,
    isWanted: () => channels.list().some(({ kind, enabled }) => kind === "mqtt" && enabled),
  });
  const send = sendByChannel({ clock, show: (notice) => shownAlerts.show(notice) });
  const courier = new Courier({
    database,
    channels,
    clock,
    log,
    send,
    gaveUp: ({ channel, alert }, { said, tries }) => {
      const detail = { alert, tries };
      const result = `failed: ${said ?? ""}`;
      audit.note({ who: "console", from: "console", what: "notice.given-up", on: channel, result, detail });
      log.error({ channel, alert, tries, said }, "a notice of an alert will not be delivered");
    },
  });
  const notifications = new Notifications({ database, channels, courier, shown: shownAlerts, send, clock });
  return { courier, shownAlerts, notifications };
}
