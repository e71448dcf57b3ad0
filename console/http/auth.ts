import type { FastifyReply, FastifyRequest, preHandlerAsyncHookHandler } from "fastify";
import type { Principal, Role } from "#shared/principal";
import type { Accounts } from "../accounts.ts";
import { HttpError } from "./problem.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks, once `allow` has passed. */
    principal?: Principal;
  }
}

export const sessionCookie = "muster_session";
/** Milliseconds that a session lasts. */
export const sessionLength = 14 * 86_400_000;

/** What each role may do over HTTP: everything that the roles before it may. Devices and the console have no business here. */
const rank: Readonly<Partial<Record<Role, number>>> = { viewer: 1, operator: 2, admin: 3 };

/** Basic credentials, a bearer token, or the page's session cookie: who they belong to. */
export async function identify(request: FastifyRequest, accounts: Accounts): Promise<Principal | undefined> {
  const { authorization } = request.headers;
  const [scheme, credentials] = authorization?.split(" ", 2) ?? [];
  if (scheme?.toLowerCase() === "bearer" && credentials) return accounts.ofToken(credentials);
  if (scheme?.toLowerCase() === "basic" && credentials) return basic(credentials, accounts);
  const cookie = request.cookies[sessionCookie];
  return cookie === undefined ? undefined : accounts.ofToken(cookie);
}

function basic(credentials: string, accounts: Accounts): Promise<Principal | undefined> {
  const [name = "", ...secret] = Buffer.from(credentials, "base64").toString("utf8").split(":");
  return accounts.verify(name, secret.join(":"));
}

/** A hook that lets `role` and those above it pass. */
export function allow(role: "viewer" | "operator" | "admin", accounts: Accounts): preHandlerAsyncHookHandler {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const principal = await identify(request, accounts);
    if (!principal) {
      // No browser's own password box over our page: it asks with XMLHttpRequest's or fetch's accept.
      if (!request.headers.accept?.includes("json"))
        reply.header("www-authenticate", 'Basic realm="muster", charset="UTF-8"');
      throw new HttpError(
        401,
        "name and password, a bearer token or a session are needed: use curl -u NAME:PASSWORD, or log in",
      );
    }
    const own = rank[principal.role] ?? 0;
    if (own < (rank[role] ?? 0))
      throw new HttpError(403, `"${principal.name}" is ${principal.role}; this needs the role ${role}`);
    request.principal = principal;
  };
}

/** Who asks, in a route behind {@link allow}. */
export function principalOf(request: FastifyRequest): Principal {
  if (!request.principal) throw new Error("route without an allow hook");
  return request.principal;
}
