import type { FastifyReply, FastifyRequest } from "fastify";
import type { LoginSource } from "#shared/login-throttle";
import { mayReach, type GroupsOf, type Principal, type Role } from "#shared/principal";
import type { Accounts } from "../accounts/accounts.ts";
import type { Holder, TokenKind } from "../accounts/tokens.ts";
import { isBrowser } from "./foreign.ts";
import { HttpError } from "./problem.ts";
import type { Reach } from "../jobs/target.ts";

/** Who asks, and by what session or token; without one it was a name with its password. */
export interface Login {
  readonly principal: Principal;
  readonly token?: string;
  /** What it came in by; a password where it is left out. */
  readonly kind?: TokenKind;
  /** Whether it is the token of this machine's command line. */
  readonly local?: boolean;
  /** Whether that is who may see a device and act on it, at the moment of asking. */
  readonly reaches: Reach;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks, where the request says so and it is true. */
    login?: Login | undefined;
    /** Whose password was right, where the answer is that a code is needed as well. */
    codeAsked?: string | undefined;
  }
}

const plainCookie = "muster_session";

/** Under TLS the browser itself keeps other hosts and plain HTTP from setting the cookie: that is what the prefix says. */
export function sessionCookie({ protocol }: FastifyRequest): string {
  return protocol === "https" ? `__Host-${plainCookie}` : plainCookie;
}

/** What each role may do over HTTP: everything that the roles before it may. Devices and the console have no business here. */
const rank: Readonly<Partial<Record<Role, number>>> = { viewer: 1, operator: 2, admin: 3 };

/** A hook that finds out who asks, by basic credentials, a bearer token or the page's session cookie. It lets everybody pass. */
export function identify(accounts: Accounts, groupsOf: GroupsOf) {
  return async (request: FastifyRequest): Promise<void> => {
    const found = await holderOf(request, accounts);
    request.login = found && { ...found, reaches: (device) => mayReach(found.principal, device, groupsOf) };
  };
}

type Known = Omit<Login, "reaches">;

async function holderOf(request: FastifyRequest, accounts: Accounts): Promise<Known | undefined> {
  const [scheme, credentials] = request.headers.authorization?.split(" ", 2) ?? [];
  const source = sourceOfRequest(request);
  if (scheme?.toLowerCase() === "bearer" && credentials)
    return held("token", accounts.holder(credentials, "token", source));
  if (scheme?.toLowerCase() === "basic" && credentials) {
    const code = request.headers[codeHeader];
    return basic(credentials, accounts, request, typeof code === "string" ? code : undefined);
  }
  const cookie = request.cookies[sessionCookie(request)];
  return cookie === undefined ? undefined : held("session", accounts.holder(cookie, "session", source));
}

function held(kind: TokenKind, holder: Holder | undefined): Known | undefined {
  return holder && { ...holder, kind };
}

async function basic(
  credentials: string,
  accounts: Accounts,
  request: FastifyRequest,
  code: string | undefined,
): Promise<Known | undefined> {
  const [name = "", ...secret] = Buffer.from(credentials, "base64").toString("utf8").split(":");
  const principal = await accounts.verify(name, secret.join(":"), sourceOfRequest(request));
  if (principal) await assertSecondFactor(accounts, principal, code, request);
  return principal && { principal };
}

/** The header in which a code of the second factor comes beside a name and password. */
const codeHeader = "muster-code";

/** Whose password is right shows a code as well, where the account has a second factor. @throws HttpError 401 where it is missing or wrong */
export async function assertSecondFactor(
  accounts: Accounts,
  { name }: Principal,
  code: string | undefined,
  request: FastifyRequest,
): Promise<void> {
  if (!accounts.factors.isOn(name)) return;
  const needed = { secondFactor: true };
  if (code === undefined || code === "") {
    request.codeAsked = name;
    throw new HttpError(
      401,
      `a code of the second factor is needed: in the header ${codeHeader} beside name and password; programs take a token instead`,
      needed,
    );
  }
  if (!(await accounts.takeCode(name, sourceOfRequest(request), code)))
    throw new HttpError(401, "this code is wrong, or was used already: wait for the next one", needed);
}

/** Where a request comes from, for the throttle of logins. */
export function sourceOfRequest({ ip, raw }: FastifyRequest): LoginSource {
  return { address: ip, gone: () => raw.socket.destroyed };
}

/** Whether whoever asks is let in as `role` or one above it. */
export function may(request: FastifyRequest, role: "viewer" | "operator" | "admin"): boolean {
  return (rank[request.login?.principal.role ?? "device"] ?? 0) >= (rank[role] ?? 0);
}

/** What else a route asks of who comes in, as its contract says. */
interface Demands {
  readonly fleet?: boolean | undefined;
  readonly person?: boolean | undefined;
}

/** A hook that lets `role` and those above it pass, where they are who the route is for. */
export function allow(role: "viewer" | "operator" | "admin", { fleet = false, person = false }: Demands = {}) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (!request.login) {
      // A browser would keep what is typed into its own password box, and send it along with whatever a foreign page asks for.
      if (!isBrowser(request)) reply.header("www-authenticate", 'Basic realm="muster", charset="UTF-8"');
      throw new HttpError(401, whyNot(request));
    }
    const { principal, kind, local } = request.login;
    if (!may(request, role))
      throw new HttpError(403, `"${principal.name}" is ${principal.role}; this needs the role ${role}`);
    if (fleet && principal.groups !== undefined)
      throw new HttpError(
        403,
        `"${principal.name}" is limited to groups of devices (${principal.groups.join(", ") || "none"}); this concerns the whole fleet`,
      );
    if (person && kind === "token" && !local)
      throw new HttpError(
        403,
        "a program's token does not decide who may come in: use the page, name and password, or the command line on the console's machine",
      );
  };
}

/** Why nobody is logged in. What is wrong is not said more closely: it would tell strangers which names there are. */
function whyNot(request: FastifyRequest): string {
  const [scheme = "", credentials] = request.headers.authorization?.split(" ", 2) ?? [];
  if (/^basic$/i.test(scheme) && credentials) return "name or password is wrong";
  if (/^bearer$/i.test(scheme) && credentials) return "this token is not known or has ended";
  if (request.cookies[sessionCookie(request)] !== undefined)
    return "this session is not known or has ended: log in again";
  return "name and password, a bearer token or a session are needed: use curl -u NAME:PASSWORD, or log in";
}

/** Who asks, in a route behind {@link allow}. */
export function askerOf(request: FastifyRequest): Principal {
  return loginIn(request).principal;
}

/** What whoever asks may reach, in a route behind {@link allow}; undefined where that is everything. */
export function limitOf(request: FastifyRequest): Reach | undefined {
  const { principal, reaches } = loginIn(request);
  return principal.groups === undefined ? undefined : reaches;
}

/** Refuses devices that are out of reach, in the words for those that there are not. @throws HttpError */
export function assertWithinReach(request: FastifyRequest, device: string): void {
  if (request.login?.reaches(device) === false) throw noDevice(device);
}

/** There is no such device, or none that whoever asks may know of. */
export function noDevice(id: string): HttpError {
  return new HttpError(404, `there is no device "${id}"; GET /api/devices lists them`);
}

/** How whoever asks has logged in, in a route behind {@link allow}. */
export function loginIn(request: FastifyRequest): Login {
  if (!request.login) throw new Error("route without an allow hook");
  return request.login;
}
