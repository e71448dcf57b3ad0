import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import { longestPassword, type Accounts } from "../../accounts.ts";
import { sessionLength, type Token } from "../../tokens.ts";
import { allow, loginIn, may, principalOf, sessionCookie, sourceOfRequest } from "../auth.ts";
import { problemDocument, time } from "../documents.ts";
import { listAnswer, type Send } from "../pages.ts";
import { HttpError } from "../problem.ts";

const who = z.object({ name: z.string(), role: z.string() });

const sessionDocument = z.object({
  id: z.string().describe("opens nothing; ends the session"),
  account: z.string(),
  kind: z.enum(["session", "token"]).describe("of a browser, or of a program"),
  created: time,
  used: time.describe("to the minute"),
  expires: time,
  address: z.string(),
  agent: z.string().describe("what the browser calls itself, cut"),
  current: z.boolean().describe("whether this request comes with it"),
});

export type SessionDocument = z.infer<typeof sessionDocument>;

/** Logging in and out of the page; who is logged in. */
export const sessionRoutes =
  (accounts: Accounts, send: Send): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      "/api/session",
      {
        schema: {
          summary: "Log in: sets the session cookie",
          body: z.object({ name: z.string().max(64), password: z.string().max(longestPassword) }),
          response: { 200: who, 401: problemDocument, 429: problemDocument },
        },
      },
      async (request, reply) => {
        const { name, password } = request.body;
        const principal = await accounts.verify(name, password, sourceOfRequest(request));
        if (!principal || principal.role === "device" || principal.role === "console")
          throw new HttpError(401, "name or password is wrong");
        const session = accounts.tokens.issue({
          account: principal.name,
          kind: "session",
          ttl: sessionLength,
          address: request.ip,
          agent: request.headers["user-agent"] ?? "",
        });
        reply.setCookie(sessionCookie(request), session, {
          path: "/",
          httpOnly: true,
          sameSite: "strict",
          secure: request.protocol === "https",
          maxAge: sessionLength / 1_000,
        });
        return { name: principal.name, role: principal.role };
      },
    );

    app.get(
      "/api/session",
      {
        schema: { summary: "Who am I", response: { 200: who, 401: problemDocument } },
        preParsing: allow("viewer"),
      },
      async (request) => ({ ...principalOf(request) }),
    );

    app.delete(
      "/api/session",
      { schema: { summary: "Log out", response: { 204: z.null() } } },
      async (request, reply) => {
        // Where a program's own credentials come with it, the login is theirs and not the cookie's.
        const token = request.headers.authorization === undefined ? request.login?.token : undefined;
        const cookie = sessionCookie(request);
        if (token !== undefined) accounts.endToken(token);
        reply.clearCookie(cookie, { path: "/", secure: request.protocol === "https" }).code(204);
        return null;
      },
    );

    app.get(
      "/api/sessions",
      {
        schema: {
          summary: "Sessions and tokens that are good at present: one's own, or for an admin all",
          response: { 200: z.object({ sessions: z.array(sessionDocument) }), 401: problemDocument },
        },
        preParsing: allow("viewer"),
      },
      (request, reply) => {
        const document = (token: Token): SessionDocument => toDocument(token, loginIn(request).token === token.id);
        const items = accounts.tokens.list(reach(request));
        return send(request, reply, listAnswer({ list: "sessions", items, document }));
      },
    );

    app.delete(
      "/api/sessions/:id",
      {
        schema: {
          summary: "End a session or token, and what is open with it",
          params: z.object({ id: z.string().max(64) }),
          response: { 204: z.null(), 401: problemDocument, 404: problemDocument },
        },
        preParsing: allow("viewer"),
      },
      async (request, reply) => {
        const { id } = request.params;
        if (!accounts.endToken(id, reach(request)))
          throw new HttpError(404, "there is no such session of yours: GET /api/sessions lists them");
        reply.code(204);
        return null;
      },
    );
  };

/** Whose sessions one may see and end: one's own, and an admin everybody's. */
function reach(request: Parameters<typeof may>[0]): string | undefined {
  return may(request, "admin") ? undefined : principalOf(request).name;
}

function toDocument(token: Token, current: boolean): SessionDocument {
  return { ...token, current };
}
