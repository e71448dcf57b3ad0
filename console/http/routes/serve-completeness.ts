import type { ZodRoutes } from "../zod-routes.ts";
import { gapsOfEach, type CompletenessDocument } from "#api/completeness-routes";
import type { DeviceId } from "#shared/ids";
import type { Completeness } from "../../ingest/completeness/completeness.ts";
import type { CompletenessReports } from "../../ingest/completeness/reports.ts";
import { limitOf, noDevice } from "../auth.ts";
import { listAnswer, maxPageLength, type Send } from "../list-pages.ts";
import { served } from "../serve.ts";

/** What the routes of completeness serve. */
export interface CompletenessRoutes {
  readonly isKnown: (device: DeviceId) => boolean;
  readonly completeness: Pick<CompletenessReports, "of" | "walk">;
  readonly send: Send;
}

/** What became of the samples of numbered batches. */
export const serveCompleteness =
  ({ isKnown, completeness, send }: CompletenessRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("getCompleteness"),
      handler: async ({ params }) => {
        if (!isKnown(params.id)) throw noDevice(params.id);
        return toDocument(completeness.of(params.id));
      },
    });

    app.route({
      ...served("listCompleteness"),
      handler: (request, reply) => {
        const reaches = limitOf(request);
        return send(
          request,
          reply,
          listAnswer({
            list: "devices",
            items: completeness.walk(request.query.after),
            only: reaches && (({ device }) => reaches(device)),
            document: (one) => toDocument(one, gapsOfEach),
            room: maxPageLength,
            after: ({ last, more }) => ({ next: more ? last?.device : null }),
          }),
        );
      },
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
