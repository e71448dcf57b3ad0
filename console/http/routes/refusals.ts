import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import type { Console } from "../../console.ts";
import { allow, may } from "../auth.ts";
import { problemDocument, time } from "../documents.ts";
import { listAnswer, type Send } from "../pages.ts";
import { HttpError } from "../problem.ts";

const refusedDocument = z.object({
  name: z.string().nullable().describe("the device, or the name that somebody has given; null where there was none"),
  known: z.boolean().describe("whether there is such a device"),
  topic: z.string().nullable().describe("of the message; null where a connection was not let in"),
  why: z.string(),
  try: z.string().optional().describe("a line that would have been taken"),
  address: z.string().optional().describe("where it came from"),
  first: time,
  last: time,
  count: z.number().describe("how many times it was told"),
});

export type RefusedDocument = z.input<typeof refusedDocument>;

/** What was not taken of late, and why: as it is told on `refused`, and who was not let in at the embedded broker. */
export const refusalRoutes =
  (console: Console, send: Send): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      "/api/refusals",
      {
        schema: {
          summary: "What was refused of late, and why: of one device, or (for operators) of everybody",
          querystring: z.object({ device: z.string().max(128).optional() }),
          response: {
            200: z.object({ refusals: z.array(refusedDocument).describe("newest first") }),
            403: problemDocument,
          },
        },
        preParsing: allow("viewer"),
      },
      (request, reply) => {
        const { device } = request.query;
        // A name that nobody knows may be a password in the wrong place.
        if (device === undefined && !may(request, "operator"))
          throw new HttpError(
            403,
            "the refusals of everybody need the role operator: ask for one device, with ?device=ID",
          );
        const items = console.refusals.list(device);
        return send(request, reply, listAnswer({ list: "refusals", items, document: (one) => one }));
      },
    );
  };
