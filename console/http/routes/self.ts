import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { Console } from "../../console.ts";
import { toPrometheus } from "../../self/prometheus.ts";
import { served } from "../serve.ts";

/** What the console measures of itself, for Prometheus to scrape. */
export const selfRoutes =
  (console: Console): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      ...served("getMetrics"),
      handler: async (_, reply) =>
        reply.type("text/plain; version=0.0.4; charset=utf-8").send(toPrometheus(console.report())),
    });
  };
