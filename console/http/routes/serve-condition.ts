import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { Condition } from "../../condition/read-condition.ts";
import { served } from "../serve.ts";

/** What the route of Muster's condition serves. */
export interface ConditionRoutes {
  readonly condition: () => Condition;
}

/** How Muster itself is. */
export const serveCondition =
  ({ condition }: ConditionRoutes): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({ ...served("getCondition"), handler: async () => condition() });
  };
