import { addresses, type RouteName } from "./addresses.ts";
import type { AnswerOf, CallOf } from "./call.ts";
import { Caller, type ClientOptions } from "./caller.ts";
import type { ConsoleEvent, EventQuery } from "./event-routes.ts";

export type { ClientOptions } from "./caller.ts";
export { ApiError, UnreachableError } from "./api-errors.ts";
export { pages } from "./pages.ts";
export type { PersonDocument } from "./account-routes.ts";
export type { AlertDocument, MaintenanceDocument, MaintenanceOrder, ShownRuleDocument } from "./alert-routes.ts";
export type { AuditEntryDocument, AuditVerdictDocument } from "./audit-routes.ts";
export type { CommandDocument, CommandEvent, LateReply } from "./command-document.ts";
export type { CommandOrder } from "./command-routes.ts";
export type { CompletenessDocument, GapDocument } from "./completeness-routes.ts";
export type { DeviceSettingsDocument, DriftDocument, SaidDocument, ScopeDocument } from "./configuration-routes.ts";
export type {
  DeviceDocument,
  SampleValue,
  HistoryDocument,
  OfferDocument,
  PresenceDocument,
  SampleDocument,
  SeriesDocument,
  SampleTags,
} from "./device-routes.ts";
export type { EnrollmentDocument, JoinRequestDocument, MadeEnrollment } from "./enrollment-routes.ts";
export type { ConsoleEvent, EventName, EventQuery } from "./event-routes.ts";
export type { ConflictDocument, Decision, SettledDocument } from "./field-routes.ts";
export type { DamageDocument, HealthDocument, StoreDocument } from "./health-routes.ts";
export type { JobCounts, JobDevice, JobDocument, JobOrder, JobSummaryDocument, JobTarget } from "./job-routes.ts";
export type { BrowserDocument, ChannelDocument, DeliveryDocument } from "./notification-routes.ts";
export type { ProblemDocument } from "./problem-document.ts";
export type { BudgetDocument, OverBudgetDocument, QuarantineDocument, SetAsideDocument } from "./quarantine-routes.ts";
export type { RefusedDocument } from "./refusal-routes.ts";
export type { DevicesTlsDocument, TlsDocument } from "./tls-routes.ts";
export type { RemovalPlanDocument } from "./service-routes.ts";
export type { ReportDocument } from "./report-routes.ts";
export type { ScheduleDocument, ScheduleOrderDocument, ScheduleRunDocument } from "./schedule-routes.ts";
export type { AccountDocument, SessionDocument } from "./session-routes.ts";
export type { NewTokenDocument, TokenDocument } from "./token-routes.ts";

/** The API's routes as functions, by their names in `addresses.ts`. Each throws {@link ApiError} or {@link UnreachableError}. */
export type Client = {
  readonly [N in Exclude<RouteName, "events">]: (...call: CallOf<N>) => Promise<AnswerOf<N>>;
} & {
  /**
   * What happens, as it happens. The first event is `store`: from it on nothing is missed. It ends when the console goes, and throws
   * when `signal` aborts; whoever goes on listening asks again, and fetches what may have been missed.
   */
  readonly events: (query?: EventQuery, signal?: AbortSignal) => AsyncGenerator<ConsoleEvent, void, void>;
};

/** A client of the console's HTTP API. It asks for nothing by itself. */
export function createClient(options: ClientOptions = {}): Client {
  const caller = new Caller(options);
  const routes = Object.entries(addresses).map(([name, address]) => [
    name,
    (...call: readonly unknown[]) => caller.call(address, call),
  ]);
  return { ...Object.fromEntries(routes), events: caller.events.bind(caller) } as Client;
}
