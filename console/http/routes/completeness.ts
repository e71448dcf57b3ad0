import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { gapsOfEach, type CompletenessDocument } from "#api/completeness";
import type { Console } from "../../console.ts";
import type { Completeness } from "../../ingest/completeness/completeness.ts";
import { listAnswer, longestPage, type Send } from "../pages.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** What became of the samples of numbered batches. */
export const completenessRoutes =
  (console: Console, send: Send): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      ...served("getCompleteness"),
      handler: async ({ params }) => {
        if (!console.registry.get(params.id))
          throw new HttpError(404, `there is no device "${params.id}"; GET /api/devices lists them`);
        return toDocument(console.ingest.batches.completeness.of(params.id));
      },
    });

    app.route({
      ...served("listCompleteness"),
      handler: (request, reply) =>
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
    });
  };

function toDocument({ gaps, ...rest }: Completeness, most = Infinity): CompletenessDocument {
  const moreGaps = Math.max(0, gaps.length - most);
  const shown = gaps.slice(moreGaps).map((gap) => {
    const { outbox, first, last, batches, samples, estimated, from, to, why } = gap;
    return { outbox, first, last, batches, samples, estimated, from, to, why };
  });
  return { ...rest, outstanding: { ...rest.outstanding }, gaps: shown, moreGaps };
}
