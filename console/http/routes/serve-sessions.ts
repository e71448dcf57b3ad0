import type { ZodRoutes } from "../zod-routes.ts";
import type { SessionDocument } from "#api/session-routes";
import type { Accounts } from "../../accounts/accounts.ts";
import type { Token } from "../../accounts/tokens.ts";
import { toAccount } from "../documents.ts";
import { assertSecondFactor, loginIn, askerOf, sessionCookie, sourceOfRequest } from "../auth.ts";
import { changing } from "../audited-routes.ts";
import { beginSession } from "../begin-session.ts";
import { listAnswer, type Send } from "../list-pages.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";
import { assertWhole, whose } from "../whose.ts";

/** What the routes of logins serve. */
export interface SessionRoutes {
  readonly accounts: Accounts;
  /** Has a browser of an account's told of alerts no more. */
  readonly leaveBrowser: (id: string, account: string) => void;
  readonly send: Send;
}

/** Logging in and out of the page; who is logged in. */
export const serveSessions =
  ({ accounts, leaveBrowser, send }: SessionRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("logIn"),
      handler: async (request, reply) => {
        const { name, password, code } = request.body;
        const principal = await accounts.verify(name, password, sourceOfRequest(request));
        if (!principal || principal.role === "device" || principal.role === "console")
          throw new HttpError(401, "name or password is wrong");
        await assertSecondFactor(accounts, principal, code, request);
        beginSession(accounts, principal.name, request, reply);
        return toAccount(principal);
      },
    });

    app.route({ ...served("whoAmI"), handler: async (request) => toAccount(askerOf(request)) });

    app.route({
      ...served("logOut"),
      handler: async (request, reply) => {
        // Where a program's own credentials come with it, the login is theirs and not the cookie's.
        const token = request.headers.authorization === undefined ? request.login?.token : undefined;
        const cookie = sessionCookie(request);
        if (token !== undefined) accounts.endToken(token);
        const { browser } = request.query;
        // Who comes next to it must not read on what it is told.
        if (token !== undefined && browser !== undefined) leaveBrowser(browser, askerOf(request).name);
        reply.clearCookie(cookie, { path: "/", secure: request.protocol === "https" }).code(204);
        return null;
      },
    });

    app.route({
      ...served("listSessions"),
      handler: (request, reply) => {
        const document = (token: Token): SessionDocument => toDocument(token, loginIn(request).token === token.id);
        const items = accounts.tokens.list(whose(request));
        return send(request, reply, listAnswer({ list: "sessions", items, document }));
      },
    });

    app.route({
      ...served("endSession"),
      handler: async (request, reply) => {
        const { id } = request.params;
        assertWhole(request, accounts.find(askerOf(request).name), id);
        changing(request, () => {
          if (!accounts.endToken(id, whose(request)))
            throw new HttpError(404, "there is no such session of yours: GET /api/sessions lists them");
        });
        reply.code(204);
        return null;
      },
    });
  };

function toDocument(token: Token, current: boolean): SessionDocument {
  const { id, account, kind, created, used, expires, address, agent } = token;
  // Of a token it is what it was made for.
  return { id, account, kind, created, used, expires, address, agent: token.name || agent, current };
}
