import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { Account } from "../../accounts/account.ts";
import type { Accounts } from "../../accounts/accounts.ts";
import { listAnswer, type Send } from "../list-pages.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** What the routes of accounts serve. */
export interface AccountRoutes {
  readonly accounts: Accounts;
  readonly send: Send;
}

/** The accounts of people and programs: which there are, and taking one away. Devices have theirs as devices. */
export const serveAccounts =
  ({ accounts, send }: AccountRoutes): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      ...served("listAccounts"),
      handler: (request, reply) => {
        const document = ({ name, role, groups }: Account): object => ({ name, role, groups });
        return send(request, reply, listAnswer({ list: "accounts", items: accounts.people(), document }));
      },
    });

    app.route({
      ...served("removeAccount"),
      handler: async (request, reply) => {
        const { name } = request.params;
        const role = accounts.find(name)?.role;
        if (role === undefined)
          throw new HttpError(404, "there is no account of this name; GET /api/accounts lists them");
        if (role === "device")
          throw new HttpError(409, `"${name}" is a device: DELETE /api/devices/${name} takes it away`);
        if (role === "console")
          throw new HttpError(409, `"${name}" is the console's own account, which every start would make again`);
        if (accounts.isLastAdmin(name))
          throw new HttpError(409, `"${name}" is the last administrator: make another one first`);
        accounts.remove(name);
        reply.code(204);
        return null;
      },
    });
  };
