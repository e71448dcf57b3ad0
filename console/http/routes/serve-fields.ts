import type { ZodRoutes } from "../zod-routes.ts";
import type { ConflictDocument } from "#api/field-routes";
import type { Conflict, Conflicts } from "../../ingest/contract/conflicts.ts";
import type { Settled, Settling } from "../../ingest/contract/settling.ts";
import { limitOf, askerOf } from "../auth.ts";
import type { Reach } from "../../jobs/target.ts";
import { listAnswer, type Send } from "../list-pages.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** Conflicts in one answer: when these are settled the others come. */
const maxConflicts = 500;

const statuses: Readonly<Record<Extract<Settled, { ok: false }>["reason"], number>> = {
  unknown: 404,
  decided: 409,
  stored: 409,
  away: 503,
};

/** What the routes of conflicts of fields serve. */
export interface FieldRoutes {
  readonly conflicts: Pick<Conflicts, "walk">;
  readonly settle: Settling["settle"];
  readonly send: Send;
}

/** Fields that devices see differently, and the word of a person about them. */
export const serveFields =
  ({ conflicts, settle, send }: FieldRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("listConflicts"),
      handler: (request, reply) => {
        const reaches = limitOf(request) ?? (() => true);
        const steps = listAnswer({
          list: "conflicts",
          items: conflicts.walk(),
          only: ({ held }) => held.some(({ device }) => reaches(device)),
          document: (conflict) => toDocument(conflict, reaches),
          most: maxConflicts,
        });
        return send(request, reply, steps);
      },
    });

    app.route({
      ...served("settleField"),
      handler: async (request) => {
        const { measurement, field, type } = request.body;
        const settled = await settle(measurement, field, type, askerOf(request).name);
        if (!settled.ok) throw new HttpError(statuses[settled.reason], settled.why);
        const { ok: _, ...counts } = settled;
        return { measurement, field, type, ...counts };
      },
    });
  };

function toDocument({ origin, held, ...rest }: Conflict, reaches: Reach): ConflictDocument {
  return {
    ...rest,
    how: origin.how,
    ...(origin.how === "first" && reaches(origin.device) ? { first: origin.device, since: origin.since } : {}),
    held: held.filter(({ device }) => reaches(device)).map((one) => ({ ...one })),
  };
}
