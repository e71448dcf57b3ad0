import type { FastifyRequest } from "fastify";
import type { ZodRoutes } from "../zod-routes.ts";
import type { LatestRefusals, Refused } from "../../devices/latest-refusals.ts";
import { limitOf, may } from "../auth.ts";
import type { Reach } from "../../jobs/target.ts";
import { listAnswer, type Send } from "../list-pages.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** What the routes of refusals serve. */
export interface RefusalRoutes {
  readonly refusals: Pick<LatestRefusals, "list" | "find" | "payloadOf" | "forgetSome">;
  readonly send: Send;
}

/** What was not taken of late, and why: as it is told on `refused`, and who was not let in at the embedded broker. */
export const serveRefusals =
  ({ refusals, send }: RefusalRoutes): ZodRoutes =>
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

    const found = (request: FastifyRequest, id: number): Refused => {
      const refused = refusals.find(id);
      const reaches = limitOf(request);
      if (!refused || (reaches && !within(reaches)(refused)))
        throw new HttpError(404, `there is no refusal ${id}: it was forgotten, or the console was started since`);
      return refused;
    };

    app.route({
      ...served("getRefusedPayload"),
      handler: async (request) => {
        const { id } = request.params;
        const payload = refusals.payloadOf(found(request, id));
        if (!payload)
          throw new HttpError(404, `of refusal ${id} the console has no message: a broker or a login was refused it`);
        const { topic, size, head } = payload;
        return { topic, size, data: head.toString("base64") };
      },
    });

    app.route({
      ...served("forgetRefusal"),
      handler: async (request) => {
        const refused = found(request, request.params.id);
        return { forgotten: refusals.forgetSome((one) => one === refused) };
      },
    });

    app.route({
      ...served("forgetRefusals"),
      handler: async (request) => {
        const { device } = request.query;
        const reaches = limitOf(request);
        const isMeant = (one: Refused): boolean =>
          (device === undefined || one.name === device) && (!reaches || within(reaches)(one));
        return { forgotten: refusals.forgetSome(isMeant) };
      },
    });
  };

/** Whom nobody knows is of no group. */
function within(reaches: Reach): (refused: Refused) => boolean {
  return ({ name, known }) => known && name !== null && reaches(name);
}
