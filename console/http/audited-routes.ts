import type { FastifyInstance, FastifyRequest } from "fastify";
import type { addresses, RouteName } from "#api/addresses";
import type { Route } from "#api/route";
import { routes } from "#api/routes";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Audit } from "../audit/audit.ts";
import type { Entrances } from "../audit/entrances.ts";
import type { AuditDetail, AuditEvent } from "../audit/entry.ts";
import { thinnedWords } from "../audit/thinned-section.ts";
import { ChangeBudget } from "./change-budget.ts";
import { HttpError, problemOf } from "./problem.ts";

/** Routes that change something. */
type Changing = {
  [N in RouteName]: (typeof addresses)[N]["method"] extends "GET" ? never : N;
}[RouteName];

/** What came with a request, behind its route's schemas. */
interface Given {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Audited {
  readonly what: AuditEvent["what"];
  readonly on?: (given: Given) => string;
  readonly detail?: (given: Given) => AuditDetail;
  /** Whether the handler itself calls {@link changing} once it knows that there is something to do: a request that is refused has then no entry that says "ok". */
  readonly byHandler?: true;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Of a route that audits by its handler: does `act`, which changes rows and nothing else, with its entry, or neither. */
    alongEntry?: <T>(act: () => T) => T;
  }
}

/** Does what a route was asked for, with its entry in the audit log. @param act changes rows and nothing else @throws EnvironmentError where the log takes no entry */
export function changing<T>(request: FastifyRequest, act: () => T): T {
  return request.alongEntry ? request.alongEntry(act) : act();
}

const id = ({ params }: Given): string => params["id"] ?? "";
const named = ({ params }: Given): string => params["name"] ?? "";
/** What somebody may, without what must stay secret. */
const rights = ({ body }: Given): AuditDetail => ({
  role: worded(body["role"]),
  groups: worded(body["groups"]),
  ttl: worded(body["ttl"]),
});
const worded = (value: unknown): string | undefined => (value === undefined ? undefined : text(value));
const text = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : "");

const namesOf = (rules: unknown): string[] =>
  Array.isArray(rules) ? rules.map((rule: { readonly name?: unknown }) => text(rule.name)) : [];

/**
 * What each route that changes something is called in the audit log, so that none can be added without one; false where what it calls writes
 * an entry that says more: the desk, the jobs, the doors.
 */
const audited: Readonly<Record<Changing, Audited | false>> = {
  logIn: false,
  logOut: { what: "session.ended" },
  endSession: { what: "session.ended", on: id, byHandler: true },
  addAccount: { what: "account.added", on: ({ body }) => text(body["name"]), detail: rights },
  changeAccount: {
    what: "account.changed",
    on: ({ params }) => params["name"] ?? "",
    detail: (given) => ({ ...rights(given), password: given.body["password"] === undefined ? "stays" : "changed" }),
  },
  beginSecondFactor: { what: "second-factor.begun", byHandler: true },
  confirmSecondFactor: { what: "second-factor.added" },
  resetSecondFactor: { what: "second-factor.removed", on: ({ params }) => params["name"] ?? "", byHandler: true },
  createToken: { what: "token.created", on: ({ body }) => text(body["name"] ?? ""), detail: rights, byHandler: true },
  revokeToken: { what: "token.ended", on: id, byHandler: true },
  removeAccount: { what: "account.removed", on: ({ params }) => params["name"] ?? "" },
  revokeCertificate: false,
  removeDevice: { what: "device.removed", on: id },
  rotateSecret: false,
  approveJoinRequest: false,
  denyJoinRequest: false,
  askToJoin: false,
  createEnrollment: false,
  revokeEnrollment: false,
  join: false,
  sendCommand: false,
  shutDown: false,
  cancelCommand: {
    what: "command.cancelled",
    on: ({ query }) => text(query["device"] ?? ""),
    detail: ({ params }) => ({ id: params["id"] ?? "" }),
  },
  // Told once, with the last part.
  addFilePart: false,
  forgetFile: {
    what: "file.forgotten",
    on: ({ query }) => text(query["device"] ?? ""),
    detail: ({ params }) => ({ id: params["id"] ?? "" }),
  },
  planJob: false,
  createJob: false,
  pauseJob: { what: "job.paused", on: id },
  resumeJob: { what: "job.resumed", on: id },
  cancelJob: { what: "job.cancelled", on: id },
  createSchedule: {
    what: "schedule.created",
    on: ({ body }) => text(body["name"]),
    detail: ({ body }) => ({ cron: text(body["cron"]), zone: text(body["zone"]), order: text(body["order"]) }),
    byHandler: true,
  },
  changeSchedule: {
    what: "schedule.changed",
    on: id,
    detail: ({ body }) => ({
      name: text(body["name"]),
      cron: text(body["cron"]),
      zone: text(body["zone"]),
      order: text(body["order"]),
    }),
    byHandler: true,
  },
  pauseSchedule: { what: "schedule.paused", on: id, byHandler: true },
  resumeSchedule: { what: "schedule.resumed", on: id, byHandler: true },
  removeSchedule: { what: "schedule.removed", on: id, byHandler: true },
  setChannel: {
    what: "channel.set",
    on: ({ params }) => params["name"] ?? "",
    // What it is set to is secret, or may be; which settings there are is not.
    detail: ({ body }) => ({
      kind: text(body["kind"]),
      settings: Object.keys(body["settings"] ?? {}).sort(),
      enabled: body["enabled"] !== false,
      usual: body["usual"] !== false,
    }),
    byHandler: true,
  },
  removeChannel: { what: "channel.removed", on: ({ params }) => params["name"] ?? "", byHandler: true },
  testChannel: { what: "channel.tested", on: ({ params }) => params["name"] ?? "" },
  // At which push service; the rest of its address is secret.
  addBrowser: {
    what: "browser.added",
    on: ({ body }) => text(body["name"]),
    detail: ({ body }) => ({ at: hostOf(text(body["endpoint"])) }),
    byHandler: true,
  },
  removeBrowser: { what: "browser.removed", on: id, byHandler: true },
  testBrowser: { what: "browser.tested", on: id },
  acknowledgeAlert: {
    what: "alert.acknowledged",
    on: id,
    detail: ({ body }) => ({ note: worded(body["note"]) }),
    byHandler: true,
  },
  silenceAlert: {
    what: "alert.silenced",
    on: id,
    detail: ({ body }) => ({ for: text(body["for"]), note: worded(body["note"]) }),
    byHandler: true,
  },
  applyAlertRules: {
    what: "alert-rules.applied",
    detail: ({ body }) => ({ rules: namesOf(body["rules"]), prune: text(body["prune"]) }),
    byHandler: true,
  },
  removeAlertRule: { what: "alert-rule.removed", on: ({ params }) => params["name"] ?? "", byHandler: true },
  previewAlertRule: false,
  addMaintenance: {
    what: "maintenance.added",
    on: ({ body }) => text(body["device"] ?? body["where"] ?? ""),
    detail: ({ body }) => ({ order: text(body) }),
    byHandler: true,
  },
  removeMaintenance: { what: "maintenance.removed", on: id, byHandler: true },
  setGroups: {
    what: "device.groups-set",
    on: id,
    detail: ({ body }) => ({ groups: text(body["groups"]) }),
    byHandler: true,
  },
  retireDevice: { what: "device.retired", on: id, byHandler: true },
  bringBack: { what: "device.brought-back", on: id, byHandler: true },
  setLabels: {
    what: "device.labelled",
    on: id,
    detail: ({ body }) => ({ name: worded(body["name"]), note: worded(body["note"]), tags: worded(body["tags"]) }),
    byHandler: true,
  },
  setConfiguration: {
    what: "settings.set",
    on: ({ params }) => params["scope"] ?? "",
    detail: ({ body }) => ({ settings: text(body["settings"]) }),
    byHandler: true,
  },
  applySettings: false,
  setConsoleSetting: {
    what: "console-setting.set",
    on: ({ params }) => params["name"] ?? "",
    detail: ({ body }) => ({ value: text(body["value"]) }),
    byHandler: true,
  },
  resetConsoleSetting: { what: "console-setting.reset", on: ({ params }) => params["name"] ?? "", byHandler: true },
  setUnit: {
    what: "unit.set",
    on: ({ body }) => `${text(body["measurement"])}.${text(body["field"])}`,
    detail: ({ body }) => ({
      scope: text(body["scope"]),
      unit: worded(body["unit"]),
      title: worded(body["title"]),
    }),
    byHandler: true,
  },
  keepCommand: {
    what: "favourite.kept",
    on: named,
    detail: ({ body }) => ({ key: text(body["key"]), args: text(body["args"] ?? {}) }),
    byHandler: true,
  },
  forgetCommand: { what: "favourite.forgotten", on: named, byHandler: true },
  keepView: { what: "view.kept", on: named, detail: ({ body }) => ({ query: text(body["query"]) }), byHandler: true },
  forgetView: { what: "view.forgotten", on: named, byHandler: true },
  forgetQuarantine: {
    what: "quarantine.forgotten",
    on: ({ query }) => text(query["device"] ?? ""),
    detail: ({ query }) => ({ measurement: worded(query["measurement"]), field: worded(query["field"]) }),
  },
  forgetRefusals: { what: "refusals.forgotten", on: ({ query }) => text(query["device"] ?? "") },
  forgetRefusal: { what: "refusals.forgotten", detail: ({ params }) => ({ id: text(params["id"]) }) },
  settleField: {
    what: "field.settled",
    on: ({ body }) => `${text(body["measurement"])}.${text(body["field"])}`,
    detail: ({ body }) => ({ type: text(body["type"]) }),
  },
  forgetDamage: { what: "damage.forgotten" },
  trustClock: { what: "clock.trusted" },
  rotateTls: {
    what: "tls.rotated",
    detail: ({ body }) => ({ authority: body["authority"] === "new" ? "new" : "imported" }),
  },
  finishTls: { what: "tls.rotation-ended", detail: ({ body }) => ({ leaveBehind: text(body["leaveBehind"]) }) },
  rotateDevicesTls: { what: "tls.devices-rotated" },
  finishDevicesTls: {
    what: "tls.devices-rotation-ended",
    detail: ({ body }) => ({ leaveBehind: text(body["leaveBehind"]) }),
  },
};

/** Of the routes whose entry is written by what they call, those of which it stays: all of commands, jobs and files goes when the log is thinned. */
const lastingBySelf: ReadonlySet<string> = new Set<Changing>([
  "revokeCertificate",
  "rotateSecret",
  "approveJoinRequest",
  "denyJoinRequest",
  "createEnrollment",
  "revokeEnrollment",
]);

/** Whether what a route's request leaves in the log stays there when it is thinned. */
export function isLasting(name: Changing): boolean {
  const told = audited[name];
  return told ? !thinnedWords.has(told.what) : lastingBySelf.has(name);
}

/**
 * Writes an entry before each request that changes something, and another one of what became of it; or one with the change, where the handler says when. Of an
 * account whose requests are refused again and again, or change its own logins without an end, no more are looked at for a while; nor of one that is no
 * administrator's and changes so much that the log would keep nothing else.
 */
export function auditChanges(app: FastifyInstance, audit: () => Audit, clock: Clock): void {
  const budget = new ChangeBudget(clock, ({ account: who, times }) =>
    audit().note({ who, from: "api", what: "change.refused", result: "refused", detail: { times } }),
  );
  app.addHook("onClose", async () => budget.stop());
  app.decorateRequest("alongEntry");
  app.addHook("onRoute", (route) => {
    const name = route.config?.route;
    if (name === undefined || !(name in audited)) return;
    const told = audited[name as Changing];
    const stays = isLasting(name as Changing);
    if (!told && !stays) return;
    const { role }: Route = routes[name];
    // Whoever is logged in may do it.
    const own = role === undefined || role === "viewer";
    const { handler } = route;
    route.handler = async function (request, reply): Promise<unknown> {
      // Nobody who is logged out can log out once more.
      if (!request.login) return handler.call(this, request, reply);
      const { name: account, role: held } = request.login.principal;
      const kind = { own, lasting: stays && !own && held !== "admin" };
      if (!budget.allows(account, kind)) {
        if (name === "logOut") return handler.call(this, request, reply);
        throw new HttpError(429, tooManyChanges);
      }
      const work = async (): Promise<unknown> => handler.call(this, request, reply);
      try {
        const done = told ? await withEntry(audit(), told, request, work) : await work();
        budget.note(account, { refused: false, ...kind });
        return done;
      } catch (thrown) {
        // Of the others no entry is written here.
        if (told && isRefusal(thrown)) budget.note(account, { refused: true, ...kind });
        throw thrown;
      }
    };
  });
}

const tooManyChanges = "too many changes were asked for under this name: try again in ten minutes";

/** One of what the log tells of, done with its entry. */
async function withEntry(
  audit: Audit,
  { what, on, detail, byHandler }: Audited,
  request: FastifyRequest,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const given = givenBy(request);
  const event = { ...whoAsks(request), what, on: on?.(given), detail: detail?.(given) };
  if (!byHandler) return audit.around(event, work);
  request.alongEntry = (act) => audit.alongDemanded(event, act);
  try {
    return await work();
  } catch (thrown) {
    if (isRefusal(thrown)) audit.note({ ...event, result: `refused: ${asError(thrown).message}` });
    throw thrown;
  }
}

/** Whether it is said no to, and nothing of ours has failed. */
function isRefusal(thrown: unknown): boolean {
  const status = problemOf(asError(thrown))?.status ?? 500;
  return status >= 400 && status < 500;
}

/** Who asks, and from where, in an entry's words. */
export function whoAsks({ login, ip }: FastifyRequest): Pick<AuditEvent, "who" | "from"> {
  return { who: login?.principal.name ?? "", from: ip };
}

/** Notes who comes in, and who is refused: with a wrong secret, or for want of a role. */
export function auditEntrances(app: FastifyInstance, entrances: () => Entrances): void {
  app.addHook("onResponse", async (request, reply) => {
    const { statusCode } = reply;
    const { login, ip: from, routeOptions } = request;
    const { route } = routeOptions.config;
    if (statusCode === 403 && login) {
      const on = `${request.method} ${routeOptions.url ?? ""}`;
      entrances().note({ ...whoAsks(request), what: "access.refused", on, result: "refused" });
    } else if (route === "join" && statusCode >= 400) {
      entrances().note({ who: "", from, what: "login.refused", on: "join", result: "refused" });
    } else if (request.codeAsked !== undefined) {
      // Half of a login, and no refusal; but whoever ends here knows the password.
      const on = route === "logIn" ? "page" : "api";
      entrances().note({ who: request.codeAsked, from, what: "login.code-asked", on });
    } else if (statusCode === 401) {
      const knocked = knockOf(request, route === "logIn");
      if (knocked)
        entrances().note({ who: knocked.name, from, what: "login.refused", on: knocked.door, result: "refused" });
    } else if (route === "logIn" && statusCode === 200)
      entrances().note({ who: nameIn(request.body), from, what: "login.ok", on: "page", detail: { door: "page" } });
    else if (login && login.token === undefined) entrances().note({ ...whoAsks(request), what: "login.ok", on: "api" });
  });
}

/** With which name somebody wanted to come in by which door; undefined for one who has shown nothing. */
function knockOf(
  request: FastifyRequest,
  isPage: boolean,
): { readonly name: string; readonly door: string } | undefined {
  if (isPage) return { name: nameIn(request.body), door: "page" };
  const [scheme = "", credentials] = request.headers.authorization?.split(" ", 2) ?? [];
  if (/^basic$/i.test(scheme) && credentials) {
    const [name = ""] = Buffer.from(credentials, "base64").toString("utf8").split(":", 1);
    return { name, door: "api" };
  }
  // Of a token or a session that is none, nobody knows whose it was.
  return /^bearer$/i.test(scheme) && credentials ? { name: "", door: "token" } : undefined;
}

function nameIn(body: unknown): string {
  return typeof body === "object" && body !== null && "name" in body && typeof body.name === "string" ? body.name : "";
}

function givenBy({ params, query, body }: FastifyRequest): Given {
  return {
    params: (params ?? {}) as Given["params"],
    query: (query ?? {}) as Given["query"],
    body: (body ?? {}) as Given["body"],
  };
}
