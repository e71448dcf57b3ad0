/** A route's method and path. */
export interface RouteAddress {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** `:name` stands for a part that the caller gives. */
  readonly path: string;
  /** Whether a body comes with it. */
  readonly body?: true;
  /** What is answered where that is no JSON. */
  readonly text?:
    | "text/plain"
    | "text/event-stream"
    | "text/javascript"
    | "application/x-ndjson"
    | "application/octet-stream";
  /** A status of 400 and above that comes with an answer and is no problem. */
  readonly alsoAnswers?: number;
}

/**
 * Where each route is: all that a client needs at run time. The schemas are in `routes.ts`, which a page that has to be small does
 * not load.
 */
export const addresses = {
  logIn: { method: "POST", path: "/api/session", body: true },
  whoAmI: { method: "GET", path: "/api/session" },
  logOut: { method: "DELETE", path: "/api/session" },
  listLoginWays: { method: "GET", path: "/api/login-ways" },
  beginProviderLogin: { method: "GET", path: "/login/provider" },
  endProviderLogin: { method: "GET", path: "/login/provider/back" },
  listSessions: { method: "GET", path: "/api/sessions" },
  endSession: { method: "DELETE", path: "/api/sessions/:id" },
  listAccounts: { method: "GET", path: "/api/accounts" },
  addAccount: { method: "POST", path: "/api/accounts", body: true },
  changeAccount: { method: "PUT", path: "/api/accounts/:name", body: true },
  removeAccount: { method: "DELETE", path: "/api/accounts/:name" },
  beginSecondFactor: { method: "POST", path: "/api/second-factor" },
  confirmSecondFactor: { method: "POST", path: "/api/second-factor/confirmed", body: true },
  resetSecondFactor: { method: "DELETE", path: "/api/accounts/:name/second-factor" },
  createToken: { method: "POST", path: "/api/tokens", body: true },
  listTokens: { method: "GET", path: "/api/tokens" },
  revokeToken: { method: "DELETE", path: "/api/tokens/:id" },
  listDevices: { method: "GET", path: "/api/devices" },
  getFleet: { method: "GET", path: "/api/fleet" },
  listFilterNames: { method: "GET", path: "/api/filter-names" },
  getDevice: { method: "GET", path: "/api/devices/:id" },
  revokeCertificate: { method: "DELETE", path: "/api/devices/:id/certificate" },
  removeDevice: { method: "DELETE", path: "/api/devices/:id" },
  planRemoval: { method: "GET", path: "/api/devices/:id/removal" },
  retireDevice: { method: "POST", path: "/api/devices/:id/retire" },
  bringBack: { method: "POST", path: "/api/devices/:id/return" },
  rotateSecret: { method: "POST", path: "/api/devices/:id/rotate-secret", body: true },
  getHistory: { method: "GET", path: "/api/devices/:id/metrics" },
  getCompleteness: { method: "GET", path: "/api/devices/:id/completeness" },
  listCompleteness: { method: "GET", path: "/api/completeness" },
  sendCommand: { method: "POST", path: "/api/devices/:id/commands", body: true },
  shutDown: { method: "POST", path: "/api/collector/:uuid/shutdown" },
  listCommands: { method: "GET", path: "/api/commands" },
  getCommand: { method: "GET", path: "/api/commands/:id" },
  cancelCommand: { method: "DELETE", path: "/api/commands/:id" },
  addFilePart: { method: "PUT", path: "/api/files/:sha256", body: true },
  getFile: { method: "GET", path: "/api/commands/:id/file", text: "application/octet-stream" },
  getFilePart: { method: "GET", path: "/api/commands/:id/file/part" },
  forgetFile: { method: "DELETE", path: "/api/commands/:id/file" },
  selectTargets: { method: "GET", path: "/api/targets" },
  planJob: { method: "POST", path: "/api/job-plan", body: true },
  createJob: { method: "POST", path: "/api/jobs", body: true },
  listJobs: { method: "GET", path: "/api/jobs" },
  getJob: { method: "GET", path: "/api/jobs/:id" },
  pauseJob: { method: "POST", path: "/api/jobs/:id/pause" },
  resumeJob: { method: "POST", path: "/api/jobs/:id/resume" },
  cancelJob: { method: "DELETE", path: "/api/jobs/:id" },
  listSchedules: { method: "GET", path: "/api/schedules" },
  createSchedule: { method: "POST", path: "/api/schedules", body: true },
  getSchedule: { method: "GET", path: "/api/schedules/:id" },
  pauseSchedule: { method: "POST", path: "/api/schedules/:id/pause" },
  resumeSchedule: { method: "POST", path: "/api/schedules/:id/resume" },
  removeSchedule: { method: "DELETE", path: "/api/schedules/:id" },
  listTimes: { method: "GET", path: "/api/schedule-times" },
  createEnrollment: { method: "POST", path: "/api/enrollments", body: true },
  listEnrollments: { method: "GET", path: "/api/enrollments" },
  revokeEnrollment: { method: "DELETE", path: "/api/enrollments/:id" },
  listJoinRequests: { method: "GET", path: "/api/join-requests" },
  approveJoinRequest: { method: "POST", path: "/api/join-requests/:id", body: true },
  denyJoinRequest: { method: "DELETE", path: "/api/join-requests/:id" },
  askToJoin: { method: "POST", path: "/join/ask", body: true },
  getJoinScript: { method: "GET", path: "/join", text: "text/plain" },
  getJoinAgent: { method: "GET", path: "/join/muster-agent.cjs", text: "text/javascript" },
  getJoinAuthority: { method: "GET", path: "/join/ca" },
  join: { method: "POST", path: "/join", body: true },
  seeJoined: { method: "GET", path: "/join/seen" },
  getReleaseFile: { method: "GET", path: "/join/release/:name", text: "application/octet-stream" },
  getRelease: { method: "GET", path: "/api/release" },
  listGroups: { method: "GET", path: "/api/groups" },
  getGroups: { method: "GET", path: "/api/devices/:id/groups" },
  setGroups: { method: "PUT", path: "/api/devices/:id/groups", body: true },
  setLabels: { method: "PUT", path: "/api/devices/:id/labels", body: true },
  listConfigurations: { method: "GET", path: "/api/configurations" },
  listSettingKeys: { method: "GET", path: "/api/setting-keys" },
  getConfiguration: { method: "GET", path: "/api/configurations/:scope" },
  setConfiguration: { method: "PUT", path: "/api/configurations/:scope", body: true },
  getConfigurationHistory: { method: "GET", path: "/api/configurations/:scope/history" },
  getDeviceSettings: { method: "GET", path: "/api/devices/:id/settings" },
  applySettings: { method: "POST", path: "/api/devices/:id/settings/apply" },
  listUnits: { method: "GET", path: "/api/units" },
  setUnit: { method: "PUT", path: "/api/units", body: true },
  getQuarantine: { method: "GET", path: "/api/quarantine" },
  forgetQuarantine: { method: "DELETE", path: "/api/quarantine" },
  getSeries: { method: "GET", path: "/api/series" },
  listRefusals: { method: "GET", path: "/api/refusals" },
  listConflicts: { method: "GET", path: "/api/fields" },
  settleField: { method: "POST", path: "/api/fields", body: true },
  listAudit: { method: "GET", path: "/api/audit" },
  verifyAudit: { method: "GET", path: "/api/audit/verdict" },
  exportAudit: { method: "GET", path: "/api/audit/export", text: "application/x-ndjson" },
  listDamage: { method: "GET", path: "/api/damage" },
  forgetDamage: { method: "DELETE", path: "/api/damage" },
  trustClock: { method: "POST", path: "/api/clock/trusted" },
  getTls: { method: "GET", path: "/api/tls" },
  rotateTls: { method: "POST", path: "/api/tls/rotation", body: true },
  finishTls: { method: "POST", path: "/api/tls/rotation/end", body: true },
  getDevicesTls: { method: "GET", path: "/api/tls/devices" },
  rotateDevicesTls: { method: "POST", path: "/api/tls/devices/rotation" },
  finishDevicesTls: { method: "POST", path: "/api/tls/devices/rotation/end", body: true },
  getHealth: { method: "GET", path: "/healthz", alsoAnswers: 503 },
  getMetrics: { method: "GET", path: "/metrics", text: "text/plain" },
  getOpenApi: { method: "GET", path: "/api/openapi.json" },
  events: { method: "GET", path: "/api/events", text: "text/event-stream" },
} as const satisfies Record<string, RouteAddress>;

export type RouteName = keyof typeof addresses;
