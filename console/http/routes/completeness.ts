import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import type { Console } from "../../console.ts";
import type { Completeness } from "../../ingest/completeness/completeness.ts";
import { allow } from "../auth.ts";
import { deviceId, problemDocument } from "../documents.ts";
import { listAnswer, longestPage, type Send } from "../pages.ts";
import { HttpError } from "../problem.ts";

const moment = z.number().nullable().describe("milliseconds since 1970-01-01 UTC");
const number = z.number().nullable();

const missingDocument = z.object({
  outbox: z
    .string()
    .nullable()
    .describe("null where many old gaps were taken together, or the store has lost what it had"),
  first: number.describe("the first of its batches that is missing, by its number in the outbox"),
  last: number,
  batches: z.number(),
  samples: z.number(),
  estimated: z.boolean().describe("whether samples is an estimate, by the mean of the stored batches"),
  from: moment,
  to: moment,
  why: z.string(),
});

export const completenessDocument = z.object({
  device: z.string(),
  since: moment,
  expected: z.number().describe("stored, set aside, missing, outstanding and forgotten samples together"),
  stored: z.number(),
  setAside: z.number().describe("samples that were received and refused for good"),
  missing: z.number().describe("samples that will never come: the sum of the gaps"),
  outstanding: z
    .object({
      batches: z.number(),
      samples: z.number().describe("an estimate, by the mean of the stored batches"),
      from: moment,
      since: moment,
    })
    .describe("not stored yet, and still in the device's outbox as far as is known"),
  forgotten: z
    .object({ batches: z.number(), samples: z.number().describe("an estimate, by the mean of the stored batches") })
    .describe("acknowledged before the console's state was put back to an older copy, which does not know them"),
  gaps: z.array(missingDocument).describe("oldest first"),
  moreGaps: z.number().describe("older gaps that this answer leaves out"),
});

export type CompletenessDocument = z.input<typeof completenessDocument>;

/** Gaps of one device in the answer about all. */
const gapsOfEach = 10;

/** What became of the samples of numbered batches. */
export const completenessRoutes =
  (console: Console, send: Send): FastifyPluginAsyncZod =>
  async (app) => {
    const viewer = allow("viewer");

    app.get(
      "/api/devices/:id/completeness",
      {
        schema: {
          summary: "Which samples of a device are stored, missing and outstanding",
          params: z.object({ id: deviceId }),
          response: { 200: completenessDocument, 404: problemDocument },
        },
        preParsing: viewer,
      },
      async ({ params }) => {
        if (!console.registry.get(params.id))
          throw new HttpError(404, `there is no device "${params.id}"; GET /api/devices lists them`);
        return toDocument(console.ingest.batches.completeness.of(params.id));
      },
    );

    app.get(
      "/api/completeness",
      {
        schema: {
          summary: `The same of every device that has sent a numbered batch, with the ${gapsOfEach} newest gaps of each`,
          querystring: z.object({
            after: z.string().max(64).optional().describe("only devices behind this one: `next` of the answer before"),
          }),
          response: {
            200: z.object({
              devices: z.array(completenessDocument).describe("by their ids, as many as there is room for"),
              next: z.string().nullable().describe("where the next page begins; null where there is none"),
            }),
          },
        },
        preParsing: viewer,
      },
      (request, reply) =>
        send(
          request,
          reply,
          listAnswer({
            list: "devices",
            items: console.ingest.batches.completeness.walk(request.query.after),
            document: (one) => toDocument(one, gapsOfEach),
            room: longestPage,
            after: ({ last, more }) => ({ next: more ? last?.device : null }),
          }),
        ),
    );
  };

function toDocument({ gaps, ...rest }: Completeness, most = Infinity): CompletenessDocument {
  const moreGaps = Math.max(0, gaps.length - most);
  const shown = gaps.slice(moreGaps).map((gap) => {
    const { outbox, first, last, batches, samples, estimated, from, to, why } = gap;
    return { outbox, first, last, batches, samples, estimated, from, to, why };
  });
  return { ...rest, outstanding: { ...rest.outstanding }, gaps: shown, moreGaps };
}
