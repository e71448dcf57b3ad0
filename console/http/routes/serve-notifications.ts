import type { ZodRoutes } from "../zod-routes.ts";
import type { FastifyRequest } from "fastify";
import type { BrowserDocument, ChannelDocument, DeliveryDocument } from "#api/notification-routes";
import { shownSettings } from "#shared/channels/channel-settings";
import type { Notifications } from "../../notifications/notifications.ts";
import type { Channel } from "../../notifications/channel.ts";
import { browsersChannel, idOf, isForBrowser, queueNameOf, type Browser } from "../../notifications/push/browser.ts";
import type { ToldDelivery } from "../../notifications/told-deliveries.ts";
import { changing } from "../audited-routes.ts";
import { askerOf, loginIn, may } from "../auth.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

export interface NotificationRoutes {
  readonly notifications: Pick<
    Notifications,
    "channels" | "browsers" | "told" | "set" | "remove" | "removeBrowser" | "test" | "testBrowser" | "standing"
  >;
}

/** By which ways people hear of alerts, and what became of each notice. */
export const serveNotifications =
  ({ notifications }: NotificationRoutes): ZodRoutes =>
  async (app) => {
    const { channels, browsers, told } = notifications;

    const document = (request: FastifyRequest, channel: Channel): ChannelDocument => {
      const { name, kind, enabled, usual, by, ts } = channel;
      const isAdmin = readsAll(request);
      const shown = isAdmin ? shownSettings(kind, channel.settings) : { settings: {}, secrets: {} };
      const { waiting, failed, last } = notifications.standing(name);
      // What the other side said may be about a device out of reach.
      const known = isAdmin || !last ? last : { ...last, said: null };
      return {
        name,
        kind,
        enabled,
        usual,
        settings: { ...shown.settings },
        secrets: { ...shown.secrets },
        waiting,
        failed,
        last: known,
        by,
        ts,
      };
    };
    const found = (name: string): Channel => {
      const channel = channels.find(name);
      if (channel) return channel;
      throw new HttpError(404, `there is no channel "${name}"; GET /api/channels lists them`);
    };

    app.route({
      ...served("listChannels"),
      handler: async (request) => ({ channels: channels.list().map((channel) => document(request, channel)) }),
    });

    app.route({
      ...served("setChannel"),
      handler: async (request) => {
        const { name } = request.params;
        changing(request, () => notifications.set({ ...request.body, name, by: askerOf(request).name }))();
        return document(request, found(name));
      },
    });

    app.route({
      ...served("removeChannel"),
      handler: async (request, reply) => {
        const channel = found(request.params.name);
        changing(request, () => notifications.remove(channel, askerOf(request).name))();
        reply.code(204);
        return null;
      },
    });

    app.route({
      ...served("testChannel"),
      handler: async (request) => notifications.test(found(request.params.name), askerOf(request).name),
    });

    const browserDocument = (request: FastifyRequest, { id, name, ts, gone }: Browser): BrowserDocument => {
      const { waiting, failed, last } = notifications.standing(queueNameOf(id));
      const said = last && (readsAll(request) ? last.said : ownWords(last.said));
      return { id, name, ts, gone, waiting, failed, last: last && { ...last, said } };
    };
    /** One's own alone: whoever asks for another's is told that there is none. */
    const own = (request: FastifyRequest, id: string): Browser => {
      const browser = browsers.find(id);
      if (browser?.account === askerOf(request).name) return browser;
      throw new HttpError(404, `you have no browser "${id}" that is told of alerts; GET /api/browsers lists them`);
    };

    app.route({
      ...served("listBrowsers"),
      handler: async (request) => ({
        key: browsers.key().point,
        browsers: browsers.list(askerOf(request).name).map((one) => browserDocument(request, one)),
      }),
    });

    app.route({
      ...served("addBrowser"),
      handler: async (request) => {
        const { name, endpoint, keys } = request.body;
        const subscription = { account: askerOf(request).name, name, endpoint, ...keys };
        // What is so already is no entry of the audit log: it could be asked for without end.
        const id = browsers.has(subscription) ? idOf(endpoint) : changing(request, () => browsers.put(subscription));
        return browserDocument(request, own(request, id));
      },
    });

    app.route({
      ...served("removeBrowser"),
      handler: async (request, reply) => {
        const browser = own(request, request.params.id);
        changing(request, () => notifications.removeBrowser(browser, browser.account))();
        reply.code(204);
        return null;
      },
    });

    app.route({
      ...served("testBrowser"),
      handler: async (request) => {
        const browser = own(request, request.params.id);
        const came = await notifications.testBrowser(browser, browser.account);
        return readsAll(request) ? came : { ...came, said: ownWords(came.said) ?? "" };
      },
    });

    app.route({
      ...served("listDeliveries"),
      handler: async (request) => {
        const { before, ...asked } = request.query;
        const { principal, reaches } = loginIn(request);
        const sees = (device: string | null): boolean =>
          device === null ? principal.groups === undefined : reaches(device);
        // Of others' browsers administrators are told where they ask for them: there may be many, with the same news.
        const asksForAll = asked.channel === browsersChannel && readsAll(request);
        const { deliveries, next } = told.list({
          ...asked,
          before: before === undefined ? undefined : Number(before),
          browsersOf: asksForAll ? null : principal.name,
          sees,
        });
        const shown = readsAll(request) ? toDelivery : withoutWords;
        return { deliveries: deliveries.map(shown), next: next === null ? null : String(next) };
      },
    });
  };

/** Who may read what the other side said: it quotes what it was sent, and what it was asked by. */
const readsAll = (request: FastifyRequest): boolean => may(request, "admin") && askerOf(request).groups === undefined;

/** For everybody else: the status alone. */
function withoutWords(told: ToldDelivery): DeliveryDocument {
  const whole = toDelivery(told);
  return { ...whole, said: statusAlone(whole.said) };
}

function statusAlone(said: string | null): string | null {
  if (said === null) return null;
  const status = /^\d{3}\b/.exec(said)?.[0];
  return `${status === undefined ? "" : `${status}: `}${wordsForAdmins}`;
}

/** Of one's own browser what was answered; why nothing was could tell of the console's network. */
function ownWords(said: string | null): string | null {
  return said === null || /^\d{3}\b/.test(said)
    ? said
    : "its push service could not be asked; administrators are told why";
}

const wordsForAdmins = "what the other side said is told to administrators";

function toDelivery({ delivery, notice, browser }: ToldDelivery): DeliveryDocument {
  const { id, channel, state, tries, next, said, ended } = delivery;
  const { alert, kind, rule, severity, device, at, title } = notice;
  return {
    id,
    channel: isForBrowser(channel) ? browsersChannel : channel,
    browser,
    state,
    tries,
    next: state === "waiting" ? next : null,
    said,
    ended,
    notice: { alert, kind, rule, severity, device, at, title },
  };
}
