import * as z from "zod/mini";
import type { RouteName } from "./addresses.ts";
import { commandRoutes } from "./commands.ts";
import { completenessRoutes } from "./completeness.ts";
import { deviceRoutes } from "./devices.ts";
import { eventRoutes } from "./events.ts";
import { fieldRoutes } from "./fields.ts";
import { groupRoutes } from "./groups.ts";
import { healthRoutes } from "./health.ts";
import { jobRoutes } from "./jobs.ts";
import { quarantineRoutes } from "./quarantine.ts";
import { refusalRoutes } from "./refusals.ts";
import type { Route } from "./route.ts";
import { sessionRoutes } from "./sessions.ts";

/** The whole contract: what each route takes and tells. The console serves it, and the client's types are inferred from it. */
export const routes = {
  ...sessionRoutes,
  ...deviceRoutes,
  ...completenessRoutes,
  ...commandRoutes,
  ...jobRoutes,
  ...groupRoutes,
  ...quarantineRoutes,
  ...refusalRoutes,
  ...fieldRoutes,
  ...healthRoutes,
  ...eventRoutes,
  getOpenApi: {
    summary: "This document",
    role: "viewer",
    answers: { 200: z.looseObject({ openapi: z.string() }) },
  },
} as const satisfies Record<RouteName, Route>;

export type Routes = typeof routes;
