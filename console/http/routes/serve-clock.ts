import type { ZodRoutes } from "../zod-routes.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** What the routes of the clock serve. */
export interface ClockRoutes {
  /** Takes a person's word that the machine's clock is right. @returns whether that can be */
  readonly believe: () => boolean;
}

/** A person's word about the clock of the console's machine, where no device can give one. */
export const serveClock =
  ({ believe }: ClockRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("trustClock"),
      handler: async () => {
        if (believe()) return { state: "trusted" as const };
        throw new HttpError(409, "the console's clock stands before there was a Muster: set it first");
      },
    });
  };
