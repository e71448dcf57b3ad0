import type { FastifyInstance } from "fastify";
import type { Log } from "#shared/log";
import type { Accounts } from "../accounts/accounts.ts";
import type { Audit } from "../audit/audit.ts";

interface Given {
  readonly accounts: Accounts;
  readonly audit: () => Audit;
  readonly log: Log;
}

/** Says in the log and the audit log that codes of a second factor are guessed: whoever does it has the password. A pause at a time, so no flood. */
export function tellOfGuesses(app: FastifyInstance, { accounts, audit, log }: Given): void {
  const end = accounts.guesses.paused.on(({ account, from, wrong, pause }) => {
    const detail = { wrong, pause: pause / 1_000 };
    log.warn({ account, from, ...detail }, "wrong codes behind a right password: give the account another password");
    audit().note({ who: account, from, what: "second-factor.paused", on: account, result: "refused", detail });
  });
  app.addHook("onClose", async () => end());
}
