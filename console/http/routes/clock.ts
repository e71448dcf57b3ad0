import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import type { Console } from "../../console.ts";
import { allow } from "../auth.ts";
import { HttpError } from "../problem.ts";

/** A person's word about the clock of the console's machine, where no device can give one. */
export const clockRoutes =
  (console: Console): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      "/api/clock/trusted",
      {
        schema: {
          summary: "Say that the console's clock is right as it stands, where the console doubts it",
          response: { 200: z.object({ state: z.literal("trusted") }) },
        },
        preParsing: allow("admin"),
      },
      async () => {
        if (console.believeClock()) return { state: "trusted" as const };
        throw new HttpError(409, "the console's clock stands before there was a Muster: set it first");
      },
    );
  };
