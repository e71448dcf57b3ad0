import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { LatestRefusals, Refused } from "../../devices/latest-refusals.ts";
import { limitOf, may } from "../auth.ts";
import type { Reach } from "../../jobs/target.ts";
import { listAnswer, type Send } from "../list-pages.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** What the routes of refusals serve. */
export interface RefusalRoutes {
  readonly refusals: Pick<LatestRefusals, "list">;
  readonly send: Send;
}

/** What was not taken of late, and why: as it is told on `refused`, and who was not let in at the embedded broker. */
export const serveRefusals =
  ({ refusals, send }: RefusalRoutes): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      ...served("listRefusals"),
      handler: (request, reply) => {
        const { device } = request.query;
        const reaches = limitOf(request);
        // A name that nobody knows may be a password in the wrong place.
        if (device === undefined && !may(request, "operator"))
          throw new HttpError(
            403,
            "the refusals of everybody need the role operator: ask for one device, with ?device=ID",
          );
        const items = refusals.list(device);
        return send(
          request,
          reply,
          listAnswer({ list: "refusals", items, document: (one) => one, only: reaches && within(reaches) }),
        );
      },
    });
  };

/** Whom nobody knows is of no group. */
function within(reaches: Reach): (refused: Refused) => boolean {
  return ({ name, known }) => known && name !== null && reaches(name);
}
