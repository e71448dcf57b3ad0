import type { ZodRoutes } from "../zod-routes.ts";
import type { TokenDocument } from "#api/token-routes";
import { parseDuration } from "#shared/duration";
import { BadInputError } from "#shared/errors";
import type { Principal } from "#shared/principal";
import { principalOf as rightsOf } from "../../accounts/account.ts";
import type { Accounts } from "../../accounts/accounts.ts";
import { scopeOf } from "../../accounts/token-scope.ts";
import { maxTokenAge, TooManyTokensError, type Token } from "../../accounts/tokens.ts";
import { askerOf, loginIn, type Login } from "../auth.ts";
import { changing } from "../audited-routes.ts";
import { listAnswer, type Send } from "../list-pages.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";
import { assertWhole, whose } from "../whose.ts";

/** What the routes of tokens serve. */
export interface TokenRoutes {
  readonly accounts: Accounts;
  readonly send: Send;
}

/** Tokens, by which programs log in. */
export const serveTokens =
  ({ accounts, send }: TokenRoutes): ZodRoutes =>
  async (app) => {
    const document = (token: Token, { token: current }: Login): TokenDocument => {
      const account = accounts.find(token.account);
      const role = token.role ?? account?.role;
      const groups = token.groups ?? account?.groups;
      const isUsed = token.usedFrom !== "";
      return {
        id: token.id,
        name: token.name || token.agent,
        account: token.account,
        role: role === "operator" || role === "admin" ? role : "viewer",
        ...(groups ? { groups: [...groups] } : {}),
        created: token.created,
        expires: token.expires,
        used: isUsed ? token.used : null,
        usedFrom: isUsed ? token.usedFrom : null,
        current: current === token.id,
      };
    };
    /** Whose token it is to be, and what that one may who makes it: both bound it. */
    const ownersOf = (asker: Principal, account: string = asker.name): readonly Principal[] => {
      if (account === asker.name) return [asker];
      if (asker.role !== "admin" || asker.groups !== undefined)
        throw new HttpError(403, `"${asker.name}" makes tokens for nobody else: that needs the role admin`);
      const owner = accounts.people().find(({ name }) => name === account);
      if (!owner) throw new HttpError(404, "there is no account of this name; GET /api/accounts lists them");
      return [rightsOf(owner)];
    };

    app.route({
      ...served("createToken"),
      handler: async (request, reply) => {
        const { name, ttl, account, ...asked } = request.body;
        const login = loginIn(request);
        const [owner = login.principal] = ownersOf(login.principal, account);
        const age = parseDuration(ttl, "ttl", maxTokenAge);
        if (age <= 0) throw new BadInputError("ttl is 0: expected how long the token is good for, such as 90d");
        try {
          const { id, secret } = changing(request, () =>
            accounts.tokens.issue({
              account: owner.name,
              kind: "token",
              ttl: age,
              address: request.ip,
              name,
              scope: scopeOf(owner, asked),
            }),
          );
          const made = accounts.tokens.list(owner.name).find((one) => one.id === id);
          if (!made) throw new Error("a token is gone as soon as it was made");
          reply.code(201);
          return { ...document(made, login), secret };
        } catch (error) {
          if (error instanceof TooManyTokensError) throw new HttpError(409, error.message);
          throw error;
        }
      },
    });

    app.route({
      ...served("listTokens"),
      handler: (request, reply) => {
        const items = accounts.tokens.list(whose(request)).filter(({ kind }) => kind === "token");
        const login = loginIn(request);
        const steps = listAnswer({ list: "tokens", items, document: (one) => document(one, login) });
        return send(request, reply, steps);
      },
    });

    app.route({
      ...served("revokeToken"),
      handler: async (request, reply) => {
        const { id } = request.params;
        assertWhole(request, accounts.find(askerOf(request).name), id);
        changing(request, () => {
          if (!accounts.endToken(id, whose(request), "token"))
            throw new HttpError(404, "there is no such token of yours: GET /api/tokens lists them");
        });
        reply.code(204);
        return null;
      },
    });
  };
