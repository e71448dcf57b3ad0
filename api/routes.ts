import * as z from "zod/mini";
import type { RouteName } from "./addresses.ts";
import { accountRoutes } from "./account-routes.ts";
import { alertRoutes } from "./alert-routes.ts";
import { auditRoutes } from "./audit-routes.ts";
import { commandRoutes } from "./command-routes.ts";
import { completenessRoutes } from "./completeness-routes.ts";
import { conditionRoutes } from "./condition-routes.ts";
import { configurationRoutes } from "./configuration-routes.ts";
import { consoleSettingsRoutes } from "./console-settings-routes.ts";
import { deviceRoutes } from "./device-routes.ts";
import { fleetRoutes } from "./fleet-routes.ts";
import { enrollmentRoutes } from "./enrollment-routes.ts";
import { eventRoutes } from "./event-routes.ts";
import { favouriteRoutes } from "./favourite-routes.ts";
import { fieldRoutes } from "./field-routes.ts";
import { fileRoutes } from "./file-routes.ts";
import { groupRoutes } from "./group-routes.ts";
import { healthRoutes } from "./health-routes.ts";
import { jobRoutes } from "./job-routes.ts";
import { joinRoutes } from "./join-routes.ts";
import { labelRoutes } from "./label-routes.ts";
import { notificationRoutes } from "./notification-routes.ts";
import { providerRoutes } from "./provider-routes.ts";
import { quarantineRoutes } from "./quarantine-routes.ts";
import { refusalRoutes } from "./refusal-routes.ts";
import { releaseRoutes } from "./release-routes.ts";
import { reportRoutes } from "./report-routes.ts";
import type { Route } from "./route.ts";
import { scheduleRoutes } from "./schedule-routes.ts";
import { secondFactorRoutes } from "./second-factor-routes.ts";
import { serviceRoutes } from "./service-routes.ts";
import { sessionRoutes } from "./session-routes.ts";
import { tokenRoutes } from "./token-routes.ts";
import { tlsRoutes } from "./tls-routes.ts";
import { unitRoutes } from "./unit-routes.ts";

/** The whole contract: what each route takes and tells. The console serves it, and the client's types are inferred from it. */
export const routes = {
  ...sessionRoutes,
  ...providerRoutes,
  ...accountRoutes,
  ...tokenRoutes,
  ...secondFactorRoutes,
  ...deviceRoutes,
  ...fleetRoutes,
  ...completenessRoutes,
  ...commandRoutes,
  ...fileRoutes,
  ...jobRoutes,
  ...scheduleRoutes,
  ...notificationRoutes,
  ...alertRoutes,
  ...reportRoutes,
  ...groupRoutes,
  ...labelRoutes,
  ...serviceRoutes,
  ...configurationRoutes,
  ...unitRoutes,
  ...favouriteRoutes,
  ...enrollmentRoutes,
  ...joinRoutes,
  ...releaseRoutes,
  ...quarantineRoutes,
  ...refusalRoutes,
  ...fieldRoutes,
  ...consoleSettingsRoutes,
  ...auditRoutes,
  ...healthRoutes,
  ...conditionRoutes,
  ...tlsRoutes,
  ...eventRoutes,
  getOpenApi: {
    summary: "This document",
    role: "viewer",
    answers: { 200: z.looseObject({ openapi: z.string() }) },
  },
} as const satisfies Record<RouteName, Route>;

export type Routes = typeof routes;
