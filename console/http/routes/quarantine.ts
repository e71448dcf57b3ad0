import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import type { Console } from "../../console.ts";
import { adviceOf, typeFor } from "../../ingest/contract/advice.ts";
import type { Contract } from "../../ingest/contract/contract.ts";
import type { SetAside } from "../../ingest/contract/quarantine.ts";
import { isDecided } from "../../ingest/contract/settling.ts";
import { allow } from "../auth.ts";
import { deviceId, problemDocument } from "../documents.ts";
import { listAnswer, type Send } from "../pages.ts";
import { fieldType } from "./fields.ts";

const time = z.number().describe("milliseconds since 1970-01-01 UTC");

const setAsideDocument = z.object({
  device: z.string(),
  measurement: z.string(),
  field: z.string(),
  got: z.string().describe("what the values were"),
  wanted: z.string().describe("the field's type, or what else would have passed"),
  sample: z.string().describe("the first such value"),
  count: z.number().describe("values that were set aside; those that came again count again"),
  first: time,
  last: time,
  held: z
    .number()
    .optional()
    .describe(
      "of these, values on the console's disk until somebody settles what the field is; left out where that is settled",
    ),
  settle: z
    .array(fieldType)
    .optional()
    .describe("what it may be settled as: the field's type as it is, and that of these values"),
  advice: z.string().describe("what to do about it"),
});

const seriesDocument = z.object({
  device: z.string(),
  known: z.number().describe("series that are let through"),
  series: z.number().describe("about how many more there are, which are set aside"),
  samples: z.number().describe("samples of those"),
  first: time,
  last: time,
  worst: z
    .array(z.object({ measurement: z.string(), tag: z.string(), values: z.number() }))
    .describe("the tags with the most different values, about"),
});

const quarantineDocument = z.object({
  entries: z.array(setAsideDocument).describe("newest first"),
  more: z.number().describe("values beyond these that there was no room to tell apart"),
});
const seriesAnswer = z.object({
  budget: z.number().describe("series that one device may have"),
  devices: z.array(seriesDocument).describe("those beyond it, the worst first"),
  largest: z.array(z.object({ device: z.string(), known: z.number() })).describe("the devices with the most series"),
});

export type QuarantineDocument = z.input<typeof quarantineDocument>;
export type SeriesDocument = z.input<typeof seriesAnswer>;

function toEntry({ conflicts }: Contract, one: SetAside): z.input<typeof setAsideDocument> {
  const conflict = conflicts.of(one.measurement, one.field);
  const type = typeFor(one.got);
  if (type === undefined || !conflict || isDecided(conflict.origin.how))
    return { ...one, advice: adviceOf(one, undefined) };
  const held = conflict.held.find(({ device }) => device === one.device)?.values ?? 0;
  return { ...one, held, settle: [...new Set([conflict.type, type])], advice: adviceOf(one, held) };
}

/** Devices that are named with the number of their series. */
const mostNamed = 20;
/** Devices beyond their budget in one answer, the worst first: when these are mended the others come. */
export const mostOffenders = 1_000;

/** What is set aside before the store: fields that do not fit, and series beyond the budget. */
export const quarantineRoutes =
  (console: Console, send: Send): FastifyPluginAsyncZod =>
  async (app) => {
    const device = deviceId.optional();

    app.get(
      "/api/quarantine",
      {
        schema: {
          summary: "Fields that were set aside instead of stored",
          querystring: z.object({ device, limit: z.coerce.number().int().min(1).max(10_000).default(1_000) }),
          response: { 200: quarantineDocument, 400: problemDocument },
        },
        preParsing: allow("viewer"),
      },
      (request, reply) => {
        const { device, limit: most } = request.query;
        const { quarantine } = console.contract;
        const steps = listAnswer({
          list: "entries",
          items: lazily(() => quarantine.list(device)),
          document: (one) => toEntry(console.contract, one),
          most,
          after: () => ({ more: quarantine.more(device) }),
        });
        return send(request, reply, steps);
      },
    );

    app.delete(
      "/api/quarantine",
      {
        schema: {
          summary: "Forget what was set aside; what is still wrong comes back by itself",
          querystring: z.object({ device }),
          response: { 200: z.object({ forgotten: z.number() }), 400: problemDocument },
        },
        preParsing: allow("operator"),
      },
      async ({ query }) => ({ forgotten: console.contract.quarantine.forget(query.device) }),
    );

    app.get(
      "/api/series",
      {
        schema: {
          summary: "Devices beyond their budget of series, and where it comes from",
          response: { 200: seriesAnswer },
        },
        preParsing: allow("viewer"),
      },
      (request, reply) => {
        const { budget } = console.contract;
        const steps = listAnswer({
          list: "devices",
          items: lazily(() => budget.offenders()),
          document: (one) => one,
          most: mostOffenders,
          before: { budget: budget.budget },
          after: () => ({ largest: budget.sizes().slice(0, mostNamed) }),
        });
        return send(request, reply, steps);
      },
    );
  };

/** Sorting is a step of its own: not in the turn in which many may ask. */
function* lazily<T>(list: () => Iterable<T>): Generator<T, void, void> {
  yield* list();
}
