import type { ZodRoutes } from "../zod-routes.ts";
import type { Damage } from "../../database/damage.ts";
import { listAnswer, type Send } from "../list-pages.ts";
import { served } from "../serve.ts";

/** What the routes of damage serve. */
export interface DamageRoutes {
  readonly damage: Pick<Damage, "list" | "count" | "forget">;
  readonly send: Send;
}

/** What in the data directory did not read and was set aside, was gone, or was put back to an older copy. */
export const serveDamage =
  ({ damage, send }: DamageRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("listDamage"),
      handler: (request, reply) => {
        const items = damage.list(request.query.limit);
        const after = (): object => ({ more: damage.count() - items.length });
        return send(request, reply, listAnswer({ list: "damaged", items, document: (one) => one, after }));
      },
    });

    app.route({ ...served("forgetDamage"), handler: async () => ({ forgotten: damage.forget() }) });
  };
