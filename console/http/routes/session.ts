import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import type { Accounts } from "../../accounts.ts";
import { allow, principalOf, sessionCookie, sessionLength } from "../auth.ts";
import { problemDocument } from "../documents.ts";
import { HttpError } from "../problem.ts";

const who = z.object({ name: z.string(), role: z.string() });

/** Logging in and out of the page. */
export const sessionRoutes =
  (accounts: Accounts): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      "/api/session",
      {
        schema: {
          summary: "Log in: sets the session cookie",
          body: z.object({ name: z.string().max(64), password: z.string().max(256) }),
          response: { 200: who, 401: problemDocument },
        },
        // A few tries a minute are enough for a person and too few for a guess.
        config: { rateLimit: { max: 10, timeWindow: 60_000 } },
      },
      async ({ body, protocol }, reply) => {
        const principal = await accounts.verify(body.name, body.password);
        if (!principal || principal.role === "device" || principal.role === "console")
          throw new HttpError(401, "name or password is wrong");
        const token = accounts.issueToken(principal.name, "session", sessionLength);
        reply.setCookie(sessionCookie, token, {
          path: "/",
          httpOnly: true,
          sameSite: "strict",
          secure: protocol === "https",
          maxAge: sessionLength / 1_000,
        });
        return { name: principal.name, role: principal.role };
      },
    );

    app.get(
      "/api/session",
      {
        schema: { summary: "Who am I", response: { 200: who, 401: problemDocument } },
        preHandler: allow("viewer", accounts),
      },
      async (request) => ({ ...principalOf(request) }),
    );

    app.delete(
      "/api/session",
      { schema: { summary: "Log out", response: { 204: z.null() } } },
      async (request, reply) => {
        const token = request.cookies[sessionCookie];
        if (token !== undefined) accounts.revokeToken(token);
        reply.clearCookie(sessionCookie, { path: "/" }).code(204);
        return null;
      },
    );
  };
