import type { FastifyInstance, FastifyRequest } from "fastify";
import type { addresses, RouteName } from "#api/addresses";
import type { Audit } from "../audit/audit.ts";
import type { Entrances } from "../audit/entrances.ts";
import type { AuditDetail, AuditEvent } from "../audit/entry.ts";

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
}

const id = ({ params }: Given): string => params["id"] ?? "";
/** What somebody may, without what must stay secret. */
const rights = ({ body }: Given): AuditDetail => ({
  role: worded(body["role"]),
  groups: worded(body["groups"]),
  ttl: worded(body["ttl"]),
});
const worded = (value: unknown): string | undefined => (value === undefined ? undefined : text(value));
const text = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

/**
 * What each route that changes something is called in the audit log, so that none can be added without one; false where what it calls writes
 * an entry that says more: the desk, the jobs, the doors.
 */
const audited: Readonly<Record<Changing, Audited | false>> = {
  logIn: false,
  logOut: { what: "session.ended" },
  endSession: { what: "session.ended", on: id },
  addAccount: { what: "account.added", on: ({ body }) => text(body["name"]), detail: rights },
  changeAccount: {
    what: "account.changed",
    on: ({ params }) => params["name"] ?? "",
    detail: (given) => ({ ...rights(given), password: given.body["password"] === undefined ? "stays" : "changed" }),
  },
  beginSecondFactor: { what: "second-factor.begun" },
  confirmSecondFactor: { what: "second-factor.added" },
  resetSecondFactor: { what: "second-factor.removed", on: ({ params }) => params["name"] ?? "" },
  createToken: { what: "token.created", on: ({ body }) => text(body["name"] ?? ""), detail: rights },
  revokeToken: { what: "token.ended", on: id },
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
  createJob: false,
  pauseJob: { what: "job.paused", on: id },
  resumeJob: { what: "job.resumed", on: id },
  cancelJob: { what: "job.cancelled", on: id },
  setGroups: { what: "device.groups-set", on: id, detail: ({ body }) => ({ groups: text(body["groups"]) }) },
  forgetQuarantine: { what: "quarantine.forgotten", on: ({ query }) => text(query["device"] ?? "") },
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
};

/** Writes an entry before each request that changes something, and another one where it fails. */
export function auditChanges(app: FastifyInstance, audit: () => Audit): void {
  app.addHook("onRoute", (route) => {
    const name = route.config?.route;
    const told = name !== undefined && name in audited && audited[name as Changing];
    if (!told) return;
    const { what, on, detail } = told;
    const { handler } = route;
    route.handler = function (request, reply): unknown {
      // Nobody who is logged out can log out once more.
      if (!request.login) return handler.call(this, request, reply);
      const given = givenBy(request);
      const event = { ...whoAsks(request), what, on: on?.(given), detail: detail?.(given) };
      return audit().around(event, async () => handler.call(this, request, reply));
    };
  });
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
