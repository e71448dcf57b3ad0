import type { ZodRoutes } from "../zod-routes.ts";
import { BadInputError } from "#shared/errors";
import type { Period } from "#shared/fleet-report";
import { periodBetween, calendarPeriod } from "../../reports/periods.ts";
import type { ReportOrder } from "../../reports/make-report.ts";
import type { FleetReports } from "../../reports/fleet-reports.ts";
import { toMoment } from "../asked-moment.ts";
import { limitOf } from "../auth.ts";
import type { Send } from "../list-pages.ts";
import { served } from "../serve.ts";
import type { Steps } from "../turns.ts";

/** What the routes of reports serve. */
export interface ReportRoutes {
  readonly reports: Pick<FleetReports, "steps">;
  readonly now: () => number;
  readonly send: Send;
}

/** Reports on what was. */
export const serveReports =
  ({ reports, now, send }: ReportRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("getReport"),
      handler: (request, reply) => {
        const { group, limit } = request.query;
        const period = periodAsked({ ...request.params, ...request.query }, now());
        const reaches = limitOf(request);
        return send(request, reply, written(reports, { period, group, limit, ...(reaches ? { reaches } : {}) }));
      },
    });
  };

function* written(reports: Pick<FleetReports, "steps">, order: ReportOrder): Steps<Buffer> {
  return Buffer.from(JSON.stringify(yield* reports.steps(order)));
}

interface Asked {
  readonly period: Period["kind"];
  readonly back: number;
  readonly zone: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** @throws BadInputError for a time that is none */
function periodAsked({ period, back, zone, from, to }: Asked, now: number): Period {
  if (period !== "between") return calendarPeriod(period, back, { zone, now });
  if (from === undefined) throw new BadInputError("from is missing: when the time of the report begins");
  return periodBetween(toMoment(from, now, "from"), toMoment(to ?? "now", now, "to"), zone);
}
