import type { ZodRoutes } from "../zod-routes.ts";
import type { SafetyNet } from "#shared/safety-net";
import { version } from "#shared/version";
import type { SyslogState } from "../../audit/syslog.ts";
import type { ClockVerdict } from "../../clock/clock-doubt.ts";
import type { Damage } from "../../database/damage.ts";
import type { RowsHealth } from "../../database/persist.ts";
import type { SamplesHealth } from "../../samples-health.ts";
import { limitOf, may } from "../auth.ts";
import { served } from "../serve.ts";

/** What the route of health serves. */
export interface HealthRoutes {
  readonly samples: () => SamplesHealth;
  readonly clock: () => ClockVerdict;
  readonly brokerConnected: () => boolean;
  readonly rows: () => RowsHealth;
  /** Undefined where the audit log goes nowhere else. */
  readonly syslog: () => SyslogState | undefined;
  readonly damage: Pick<Damage, "count">;
  readonly faults: Pick<SafetyNet, "total" | "places">;
}

/** Whether all is well: for monitors without a login, and for those with one, what is not. */
export const serveHealth =
  (is: HealthRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("getHealth"),
      handler: async (request, reply) => {
        const { spool, ...store } = is.samples();
        const clock = is.clock();
        const connected = is.brokerConnected();
        const rows = is.rows();
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
          syslog: limitOf(request) ? undefined : is.syslog(),
          broker: { connected },
          // What it is, is not told to those who are limited to groups: it may be of any device.
          damaged: limitOf(request) ? 0 : is.damage.count(),
          faults: { total: is.faults.total, places: [...is.faults.places] },
        });
      },
    });
  };
