import type { Bus } from "#shared/bus";
import { Channels } from "../notifications/channels.ts";
import { Courier } from "../notifications/courier.ts";
import { GivenUp } from "../notifications/given-up.ts";
import { Notifications } from "../notifications/notifications.ts";
import { sendByChannel } from "../notifications/send-by-channel.ts";
import { Browsers } from "../notifications/push/browsers.ts";
import { isPublicAddress } from "../notifications/push/public-address.ts";
import { sendPush } from "../notifications/push/send-push.ts";
import { ShownAlerts } from "../notifications/shown-alerts.ts";
import type { Alerts } from "../alerts/alerts.ts";
import type { Surroundings } from "./surroundings.ts";

/** What brings word of alerts to people. */
export function notificationParts(
  given: Surroundings,
  { bus, alerts }: { readonly bus: Bus; readonly alerts: Pick<Alerts, "book"> },
) {
  const { clock, log, topics, options } = given;
  const { database, audit, accounts, groups } = given.state;
  const channels = new Channels(database);
  const shownAlerts = new ShownAlerts({
    database,
    bus,
    topics,
    log,
    isWanted: () => channels.list().some(({ kind, enabled }) => kind === "mqtt" && enabled),
  });
  const { mayReach = isPublicAddress, ca } = options.push ?? {};
  const browsers = new Browsers({
    database,
    clock,
    personOf: (account) => accounts.find(account),
    groupsOf: (device) => groups.of(device),
    devicesBehind: (alert) => alerts.book.devicesBehind(alert),
    mayReach,
  });
  const subject = options.pageUrl?.startsWith("https:") ? options.pageUrl : unknownSender;
  const push = sendPush({ browsers, clock, log, audit, subject, ca });
  const send = sendByChannel({ clock, show: (notice) => shownAlerts.show(notice), push });
  const givenUp = new GivenUp({ audit, clock, log });
  const courier = new Courier({
    database,
    channels: { find: (name) => channels.find(name) ?? browsers.inQueue(name) },
    clock,
    log,
    send,
    gaveUp: (delivery, step) => givenUp.note(delivery, step),
  });
  const notifications = new Notifications({ database, channels, browsers, courier, shown: shownAlerts, send, clock });
  return { courier, givenUp, shownAlerts, notifications };
}

/** Who sends a push, where the console's own address is not known: push services want one, and most look at nothing but its form. */
const unknownSender = "mailto:muster@localhost";
