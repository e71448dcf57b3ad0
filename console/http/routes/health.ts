import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { version } from "#shared/version";
import type { Console } from "../../console.ts";
import { may } from "../auth.ts";
import { served } from "../serve.ts";

/** Whether all is well: for monitors without a login, and for those with one, what is not. */
export const healthRoutes =
  (console: Console): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      ...served("getHealth"),
      handler: async (request, reply) => {
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
    });
  };
