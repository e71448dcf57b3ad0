import type { FastifyReply, FastifyRequest } from "fastify";
import type { Accounts } from "../accounts/accounts.ts";
import { providedSessionLength, sessionLength } from "../accounts/tokens.ts";
import { sessionCookie } from "./auth.ts";

/** Begins a session of a browser, whose cookie goes along with the answer. */
export function beginSession(accounts: Accounts, account: string, request: FastifyRequest, reply: FastifyReply): void {
  const ttl = accounts.find(account)?.identity === undefined ? sessionLength : providedSessionLength;
  const { secret: session } = accounts.tokens.issue({
    account,
    kind: "session",
    ttl,
    address: request.ip,
    agent: request.headers["user-agent"] ?? "",
  });
  reply.setCookie(sessionCookie(request), session, {
    path: "/",
    httpOnly: true,
    sameSite: "strict",
    secure: request.protocol === "https",
    maxAge: ttl / 1_000,
  });
}
