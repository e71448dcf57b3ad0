import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import type { Console } from "../../console.ts";
import type { Conflict } from "../../ingest/contract/conflicts.ts";
import type { Settled } from "../../ingest/contract/settling.ts";
import { allow, principalOf } from "../auth.ts";
import { problemDocument } from "../documents.ts";
import { listAnswer, type Send } from "../pages.ts";
import { HttpError } from "../problem.ts";

export const fieldType = z.enum(["float", "integer", "string", "boolean"]);
const time = z.number().describe("milliseconds since 1970-01-01 UTC");
const name = z.string().min(1).max(1_000);

const conflictDocument = z.object({
  measurement: z.string(),
  field: z.string(),
  type: fieldType.describe("what is stored at present"),
  how: z
    .string()
    .describe("why: first (a device sent it first), store (InfluxDB holds it so), settled, declared or shipped"),
  first: z.string().optional().describe("the device that sent it first"),
  since: time.optional(),
  held: z.array(
    z.object({
      device: z.string(),
      got: z.string().describe("what the values are"),
      sample: z.string(),
      values: z.number().describe("values on the console's disk"),
      dropped: z.number().describe("values that there was no room for, since the console's start"),
      first: time,
      last: time,
    }),
  ),
});

const settledDocument = z.object({
  measurement: z.string(),
  field: z.string(),
  type: fieldType,
  written: z.number().describe("values that were held and are stored now"),
  discarded: z.number().describe("values that were held and cannot be told in this type"),
  waiting: z.number().describe("values that are written when the store is back"),
  why: z.string().optional().describe("why some wait"),
});

const conflictsDocument = z.object({ conflicts: z.array(conflictDocument) });
export type ConflictDocument = z.input<typeof conflictDocument>;
export type SettledDocument = z.input<typeof settledDocument>;

/** Conflicts in one answer: when these are settled the others come. */
const mostListed = 500;

const statuses: Readonly<Record<Extract<Settled, { ok: false }>["reason"], number>> = {
  unknown: 404,
  decided: 409,
  stored: 409,
  away: 503,
};

/** Fields that devices see differently, and the word of a person about them. */
export const fieldRoutes =
  (console: Console, send: Send): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      "/api/fields",
      {
        schema: {
          summary: "Fields that devices see differently, with what is held until somebody settles it",
          response: { 200: conflictsDocument },
        },
        preParsing: allow("viewer"),
      },
      (request, reply) => {
        const items = console.contract.conflicts.walk();
        const steps = listAnswer({ list: "conflicts", items, document: toDocument, most: mostListed });
        return send(request, reply, steps);
      },
    );

    app.post(
      "/api/fields",
      {
        schema: {
          summary: "Settle what a field is: what is held and fits is stored, the rest of it let go",
          body: z.object({ measurement: name, field: name, type: fieldType }),
          response: {
            200: settledDocument,
            400: problemDocument,
            404: problemDocument,
            409: problemDocument,
            503: problemDocument,
          },
        },
        preParsing: allow("operator"),
      },
      async (request) => {
        const { measurement, field, type } = request.body;
        const settled = await console.settleField(measurement, field, type, principalOf(request).name);
        if (!settled.ok) throw new HttpError(statuses[settled.reason], settled.why);
        const { ok: _, ...counts } = settled;
        return { measurement, field, type, ...counts };
      },
    );
  };

function toDocument({ origin, held, ...rest }: Conflict): ConflictDocument {
  return {
    ...rest,
    how: origin.how,
    ...(origin.how === "first" ? { first: origin.device, since: origin.since } : {}),
    held: held.map((one) => ({ ...one })),
  };
}
