import type { Bus } from "#shared/bus";
import { Channels } from "../notifications/channels.ts";
import { Courier } from "../notifications/courier.ts";
import { GivenUp } from "../notifications/given-up.ts";
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
  const givenUp = new GivenUp({ audit, clock, log });
  const courier = new Courier({
    database,
    channels,
    clock,
    log,
    send,
    gaveUp: (delivery, step) => givenUp.note(delivery, step),
  });
  const notifications = new Notifications({ database, channels, courier, shown: shownAlerts, send, clock });
  return { courier, givenUp, shownAlerts, notifications };
}
