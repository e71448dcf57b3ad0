import type { ZodRoutes } from "../zod-routes.ts";
import type { FastifyRequest } from "fastify";
import type { ChannelDocument, DeliveryDocument } from "#api/notification-routes";
import { shownSettings } from "#shared/channels/channel-settings";
import type { Notifications } from "../../notifications/notifications.ts";
import type { Channel } from "../../notifications/channel.ts";
import type { ToldDelivery } from "../../notifications/told-deliveries.ts";
import { changing } from "../audited-routes.ts";
import { askerOf, loginIn, may } from "../auth.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

export interface NotificationRoutes {
  readonly notifications: Pick<Notifications, "channels" | "told" | "set" | "remove" | "test" | "standing">;
}

/** By which ways people hear of alerts, and what became of each notice. */
export const serveNotifications =
  ({ notifications }: NotificationRoutes): ZodRoutes =>
  async (app) => {
    const { channels, told } = notifications;

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

    app.route({
      ...served("listDeliveries"),
      handler: async (request) => {
        const { before, ...asked } = request.query;
        const { principal, reaches } = loginIn(request);
        const sees = (device: string | null): boolean =>
          device === null ? principal.groups === undefined : reaches(device);
        const { deliveries, next } = told.list({
          ...asked,
          before: before === undefined ? undefined : Number(before),
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
  if (whole.said === null) return whole;
  const status = /^\d{3}\b/.exec(whole.said)?.[0];
  return { ...whole, said: `${status === undefined ? "" : `${status}: `}${wordsForAdmins}` };
}

const wordsForAdmins = "what the other side said is told to administrators";

function toDelivery({ delivery, notice }: ToldDelivery): DeliveryDocument {
  const { id, channel, state, tries, next, said, ended } = delivery;
  const { alert, kind, rule, severity, device, at, title } = notice;
  return {
    id,
    channel,
    state,
    tries,
    next: state === "waiting" ? next : null,
    said,
    ended,
    notice: { alert, kind, rule, severity, device, at, title },
  };
}
