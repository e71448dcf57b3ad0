import type { ZodRoutes } from "../zod-routes.ts";
import type { Condition } from "../../condition/read-condition.ts";
import { served } from "../serve.ts";

/** What the route of Muster's condition serves. */
export interface ConditionRoutes {
  readonly condition: () => Promise<Condition>;
}

/** How Muster itself is. */
export const serveCondition =
  ({ condition }: ConditionRoutes): ZodRoutes =>
  async (app) => {
    app.route({ ...served("getCondition"), handler: () => condition() });
  };
