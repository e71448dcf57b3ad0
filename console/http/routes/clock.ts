import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { Console } from "../../console.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** A person's word about the clock of the console's machine, where no device can give one. */
export const clockRoutes =
  (console: Console): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      ...served("trustClock"),
      handler: async () => {
        if (console.believeClock()) return { state: "trusted" as const };
        throw new HttpError(409, "the console's clock stands before there was a Muster: set it first");
      },
    });
  };
