import type { ZodRoutes } from "../zod-routes.ts";
import { toPrometheus } from "../../self/prometheus.ts";
import type { Report } from "../../self/report.ts";
import { served } from "../serve.ts";

/** What the routes of the console's own numbers serve. */
export interface SelfRoutes {
  readonly report: () => Report;
}

/** What the console measures of itself, for Prometheus to scrape. */
export const serveSelf =
  ({ report }: SelfRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("getMetrics"),
      handler: async (_, reply) => reply.type("text/plain; version=0.0.4; charset=utf-8").send(toPrometheus(report())),
    });
  };
