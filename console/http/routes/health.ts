import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import { version } from "#shared/version";
import type { Console } from "../../console.ts";
import { may } from "../auth.ts";

/** All but `ok` is for those who are logged in. */
const health = z.object({
  ok: z.boolean(),
  version: z.string().optional(),
  store: z
    .object({
      ok: z.boolean(),
      problem: z.string().optional().describe("what went wrong first"),
      since: z.number().optional().describe("milliseconds since 1970-01-01 UTC"),
      meanwhile: z.string().optional().describe("where samples are kept as long as the store is away"),
      clock: z.string().optional().describe("why the console does not believe its machine's clock"),
    })
    .optional(),
  spool: z
    .object({
      rows: z.number(),
      bytes: z.number(),
      limit: z.number(),
      refused: z.number().describe("messages that were turned away, because it was full or could not be written"),
      problem: z.string().optional(),
    })
    .describe("messages of senders that keep nothing, on the console's disk until the store has them")
    .optional(),
  clock: z
    .object({ state: z.enum(["trusted", "ahead", "behind"]), problem: z.string().optional() })
    .describe(
      "whether the console believes its machine's clock: ahead, nothing is deleted by age; behind, nothing is taken",
    )
    .optional(),
  rows: z
    .object({
      ok: z.boolean(),
      problem: z.string().optional(),
      since: z.number().optional().describe("milliseconds since 1970-01-01 UTC"),
      waiting: z.number().describe("rows that are kept in memory until the disk takes them"),
    })
    .describe("commands, devices and accounts on the console's own disk")
    .optional(),
  broker: z.object({ connected: z.boolean() }).optional(),
  damaged: z
    .number()
    .describe("what in the data directory did not read, was gone or put back to an older copy: GET /api/damage")
    .optional(),
  faults: z
    .object({
      total: z.number(),
      places: z.array(
        z.object({
          where: z.string(),
          count: z.number(),
          first: z.number(),
          latest: z.number().describe("milliseconds since 1970-01-01 UTC"),
          error: z.string(),
        }),
      ),
    })
    .describe("what was caught in Muster's own listeners and timers since it started: each is worth a report")
    .optional(),
});

/** Whether all is well: for monitors without a login, and for those with one, what is not. */
export const healthRoutes =
  (console: Console): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      "/healthz",
      {
        schema: {
          summary: "Whether the console, its store and its broker work",
          response: { 200: health, 503: health },
        },
      },
      async (request, reply) => {
        const { spool, ...store } = console.storeHealth();
        const clock = console.clockVerdict;
        const connected = console.brokerConnected;
        const rows = console.rowsHealth();
        const ok = store.ok && connected && rows.ok && spool.problem === undefined;
        // Names of hosts, errors and the version are no stranger's business.
        if (!may(request, "viewer")) return reply.code(ok ? 200 : 503).send({ ok });
        return reply.code(ok ? 200 : 503).send({
          ok,
          version,
          store,
          spool,
          clock: { state: clock.state, ...(clock.state === "trusted" ? {} : { problem: clock.why }) },
          rows,
          broker: { connected },
          damaged: console.damage.count(),
          faults: { total: console.faults.total, places: [...console.faults.places] },
        });
      },
    );
  };
