import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import type { Console } from "../../console.ts";
import { toPrometheus } from "../../self/prometheus.ts";
import { allow } from "../auth.ts";

/** What the console measures of itself, for Prometheus to scrape. */
export const selfRoutes =
  (console: Console): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      "/metrics",
      {
        schema: { summary: "The console's own numbers, in Prometheus' text format", response: { 200: z.string() } },
        preParsing: allow("viewer"),
      },
      async (_, reply) => reply.type("text/plain; version=0.0.4; charset=utf-8").send(toPrometheus(console.report())),
    );
  };
