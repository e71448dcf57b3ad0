import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import type { Console } from "../../console.ts";
import { allow } from "../auth.ts";
import { listAnswer, type Send } from "../pages.ts";

const damagedDocument = z.object({
  ts: z.number().describe("milliseconds since 1970-01-01 UTC"),
  place: z.string().describe("a file, or a table of muster.db"),
  name: z.string().describe("which row, or under which name the file is kept"),
  why: z.string(),
});

/** What in the data directory did not read and was set aside, was gone, or was put back to an older copy. */
export const damageRoutes =
  (console: Console, send: Send): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      "/api/damage",
      {
        schema: {
          summary:
            "What in the data directory did not read and was set aside, was gone, or was put back to an older copy",
          querystring: z.object({ limit: z.coerce.number().int().min(1).max(1_000).default(100) }),
          response: { 200: z.object({ damaged: z.array(damagedDocument).describe("newest first"), more: z.number() }) },
        },
        preParsing: allow("viewer"),
      },
      (request, reply) => {
        const items = console.damage.list(request.query.limit);
        const after = (): object => ({ more: console.damage.count() - items.length });
        return send(request, reply, listAnswer({ list: "damaged", items, document: (one) => one, after }));
      },
    );

    app.delete(
      "/api/damage",
      {
        schema: {
          summary: "Forget what was damaged; the files that are kept stay",
          response: { 200: z.object({ forgotten: z.number() }) },
        },
        preParsing: allow("admin"),
      },
      async () => ({ forgotten: console.damage.forget() }),
    );
  };
