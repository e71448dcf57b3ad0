import type { ZodRoutes } from "../zod-routes.ts";
import type { PersonDocument } from "#api/account-routes";
import type { AccountDocument } from "#api/session-routes";
import type { Account } from "../../accounts/account.ts";
import type { Accounts } from "../../accounts/accounts.ts";
import { toAccount } from "../documents.ts";
import { listAnswer, type Send } from "../list-pages.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** What the routes of accounts serve. */
export interface AccountRoutes {
  readonly accounts: Accounts;
  readonly send: Send;
}

/** The accounts of people and programs. Devices have theirs as devices. */
export const serveAccounts =
  ({ accounts, send }: AccountRoutes): ZodRoutes =>
  async (app) => {
    /** @throws HttpError where it is nobody's, or a program's of Muster's own */
    const person = (name: string): Account => {
      const account = accounts.find(name);
      if (!account) throw new HttpError(404, "there is no account of this name; GET /api/accounts lists them");
      if (account.role === "device")
        throw new HttpError(409, `"${name}" is a device: DELETE /api/devices/${name} takes it away`);
      if (account.role === "console")
        throw new HttpError(409, `"${name}" is the console's own account, which every start would make again`);
      return account;
    };
    const changed = (name: string, made?: string): AccountDocument & { password?: string } => ({
      ...toAccount(person(name)),
      ...(made === undefined ? {} : { password: made }),
    });

    app.route({
      ...served("listAccounts"),
      handler: (request, reply) => {
        const standings = accounts.standings();
        const document = (account: Account): PersonDocument => ({
          ...toAccount(account),
          lastSeen: null,
          secondFactor: false,
          mqttSecret: false,
          wrongCodes: accounts.guesses.wrongOf(account.name),
          provided: account.identity !== undefined,
          ...standings.get(account.name),
        });
        return send(request, reply, listAnswer({ list: "accounts", items: accounts.people(), document }));
      },
    });

    app.route({
      ...served("addAccount"),
      handler: async (request, reply) => {
        const { name, role, groups, password } = request.body;
        if (accounts.find(name)) throw new HttpError(409, `"${name}" is taken: PUT /api/accounts/${name} changes it`);
        const secret = accounts.set(name, role, password, groups);
        reply.code(201).header("location", `/api/accounts/${name}`);
        return changed(name, password === undefined ? secret : undefined);
      },
    });

    app.route({
      ...served("changeAccount"),
      handler: async (request) => {
        const { name } = request.params;
        const { role, groups, password } = request.body;
        const before = person(name);
        const isLess = (role !== undefined && role !== "admin") || groups;
        if (isLess && accounts.isLastAdmin(name))
          throw new HttpError(409, `"${name}" is the last administrator: make another one first`);
        if (password === undefined) {
          accounts.setRights(name, { role, groups });
          return changed(name);
        }
        const given = password === true ? undefined : password;
        const secret = accounts.set(name, role ?? before.role, given, groups);
        return changed(name, given === undefined ? secret : undefined);
      },
    });

    app.route({
      ...served("removeAccount"),
      handler: async (request, reply) => {
        const { name } = request.params;
        person(name);
        if (accounts.isLastAdmin(name))
          throw new HttpError(409, `"${name}" is the last administrator: make another one first`);
        accounts.remove(name);
        reply.code(204);
        return null;
      },
    });
  };
