import type { ZodRoutes } from "../zod-routes.ts";
import type { FastifyRequest } from "fastify";
import type { KeptCommandDocument } from "#api/favourite-routes";
import { personsName } from "#shared/device-labels";
import { parseDuration } from "#shared/duration";
import type { Favourites, KeptByKind, KeptKind } from "../../accounts/favourites.ts";
import { changing } from "../audited-routes.ts";
import { askerOf } from "../auth.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

export interface FavouriteRoutes {
  readonly favourites: Favourites;
}

/** What people keep for themselves. */
export const serveFavourites =
  ({ favourites }: FavouriteRoutes): ZodRoutes =>
  async (app) => {
    /** What is kept so already is no entry of the audit log: it could be asked for without end. */
    const keep = <K extends KeptKind>(
      request: FastifyRequest,
      kind: K,
      as: string,
      document: KeptByKind[K],
    ): string => {
      const { name: account } = askerOf(request);
      if (favourites.has(account, kind, as, document)) return personsName(as);
      return changing(request, () => favourites.put(account, kind, as, document));
    };
    const forget = (request: FastifyRequest, kind: KeptKind, name: string): null => {
      const { name: account } = askerOf(request);
      if (!favourites.list(account, kind).some((one) => one.name === name))
        throw new HttpError(404, `you keep no ${kind} "${name}"; GET /api/favourites lists what you do`);
      changing(request, () => favourites.drop(account, kind, name));
      return null;
    };

    app.route({
      ...served("listFavourites"),
      handler: async (request) => {
        const { name } = askerOf(request);
        return {
          commands: favourites.list(name, "command") as KeptCommandDocument[],
          views: [...favourites.list(name, "view")],
        };
      },
    });

    app.route({
      ...served("keepCommand"),
      handler: async (request) => {
        const { key, args = {}, timeout, ttl } = request.body;
        const command = {
          key,
          args,
          ...(timeout === undefined ? {} : { timeout: parseDuration(timeout, "timeout") }),
          ...(ttl === undefined ? {} : { ttl: parseDuration(ttl, "ttl") }),
        };
        const name = keep(request, "command", request.params.name, command);
        return { name, ...command };
      },
    });

    app.route({
      ...served("keepView"),
      handler: async (request) => {
        const { query } = request.body;
        const name = keep(request, "view", request.params.name, { query });
        return { name, query };
      },
    });

    app.route({
      ...served("forgetCommand"),
      handler: async (request, reply) => {
        reply.code(204);
        return forget(request, "command", request.params.name);
      },
    });

    app.route({
      ...served("forgetView"),
      handler: async (request, reply) => {
        reply.code(204);
        return forget(request, "view", request.params.name);
      },
    });
  };
