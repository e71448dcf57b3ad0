import type { FastifyReply, FastifyRequest } from "fastify";
import type { LoginSource } from "#shared/login-throttle";
import type { Principal, Role } from "#shared/principal";
import type { Accounts } from "../accounts/accounts.ts";
import { isBrowser } from "./foreign.ts";
import { HttpError } from "./problem.ts";

/** Who asks, and by what session or token; without one it was a name with its password. */
export interface Login {
  readonly principal: Principal;
  readonly token?: string;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks, where the request says so and it is true. */
    login?: Login | undefined;
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
export function identify(accounts: Accounts) {
  return async (request: FastifyRequest): Promise<void> => {
    request.login = await loginOf(request, accounts);
  };
}

async function loginOf(request: FastifyRequest, accounts: Accounts): Promise<Login | undefined> {
  const [scheme, credentials] = request.headers.authorization?.split(" ", 2) ?? [];
  const source = sourceOfRequest(request);
  if (scheme?.toLowerCase() === "bearer" && credentials) return accounts.holder(credentials, "token", source);
  if (scheme?.toLowerCase() === "basic" && credentials) return basic(credentials, accounts, source);
  const cookie = request.cookies[sessionCookie(request)];
  return cookie === undefined ? undefined : accounts.holder(cookie, "session", source);
}

async function basic(credentials: string, accounts: Accounts, source: LoginSource): Promise<Login | undefined> {
  const [name = "", ...secret] = Buffer.from(credentials, "base64").toString("utf8").split(":");
  const principal = await accounts.verify(name, secret.join(":"), source);
  return principal && { principal };
}

/** Where a request comes from, for the throttle of logins. */
export function sourceOfRequest({ ip, raw }: FastifyRequest): LoginSource {
  return { address: ip, gone: () => raw.socket.destroyed };
}

/** Whether whoever asks is let in as `role` or one above it. */
export function may(request: FastifyRequest, role: "viewer" | "operator" | "admin"): boolean {
  return (rank[request.login?.principal.role ?? "device"] ?? 0) >= (rank[role] ?? 0);
}

/** A hook that lets `role` and those above it pass. */
export function allow(role: "viewer" | "operator" | "admin") {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (!request.login) {
      // A browser would keep what is typed into its own password box, and send it along with whatever a foreign page asks for.
      if (!isBrowser(request)) reply.header("www-authenticate", 'Basic realm="muster", charset="UTF-8"');
      throw new HttpError(401, whyNot(request));
    }
    const { principal } = request.login;
    if (!may(request, role))
      throw new HttpError(403, `"${principal.name}" is ${principal.role}; this needs the role ${role}`);
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
export function principalOf(request: FastifyRequest): Principal {
  return loginIn(request).principal;
}

/** How whoever asks has logged in, in a route behind {@link allow}. */
export function loginIn(request: FastifyRequest): Login {
  if (!request.login) throw new Error("route without an allow hook");
  return request.login;
}
