import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { Console } from "../../console.ts";
import { listAnswer, type Send } from "../pages.ts";
import { served } from "../serve.ts";

/** What in the data directory did not read and was set aside, was gone, or was put back to an older copy. */
export const damageRoutes =
  (console: Console, send: Send): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      ...served("listDamage"),
      handler: (request, reply) => {
        const items = console.damage.list(request.query.limit);
        const after = (): object => ({ more: console.damage.count() - items.length });
        return send(request, reply, listAnswer({ list: "damaged", items, document: (one) => one, after }));
      },
    });

    app.route({ ...served("forgetDamage"), handler: async () => ({ forgotten: console.damage.forget() }) });
  };
