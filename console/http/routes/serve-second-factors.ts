import type { ZodRoutes } from "../zod-routes.ts";
import type { FastifyRequest } from "fastify";
import { BadInputError } from "#shared/errors";
import type { Accounts } from "../../accounts/accounts.ts";
import { qrCode } from "../../enrollments/qr-code.ts";
import { askerOf, loginIn, sourceOfRequest } from "../auth.ts";
import { changing } from "../audited-routes.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** The second factor of one's own account, and taking away somebody's. */
export const serveSecondFactors =
  ({ accounts }: { readonly accounts: Accounts }): ZodRoutes =>
  async (app) => {
    const { factors } = accounts;

    app.route({
      ...served("beginSecondFactor"),
      handler: async (request, reply) => {
        const name = person(request);
        if (accounts.find(name)?.identity !== undefined)
          throw new HttpError(409, "a second factor of this account is the identity provider's: set it up there");
        const made = conflicting(() => changing(request, () => factors.begin(name)));
        reply.code(201);
        return { ...made, qr: qrCode(made.uri) };
      },
    });

    app.route({
      ...served("confirmSecondFactor"),
      handler: async (request) => {
        const name = person(request);
        let recovery: readonly string[] | undefined;
        await accounts.inTurn(name, sourceOfRequest(request), () => {
          recovery = conflicting(() => factors.confirm(name, request.body.code));
          return recovery !== undefined;
        });
        if (!recovery)
          throw new HttpError(422, "this is not the code of the key at this moment: see whether both clocks are right");
        // What was opened with the password alone ends: sessions, but for the one that asks, and what is open over MQTT.
        accounts.factorAdded(name, sourceOfRequest(request), loginIn(request).token);
        return { recovery: [...recovery] };
      },
    });

    app.route({
      ...served("resetSecondFactor"),
      handler: async (request, reply) => {
        const { name } = request.params;
        changing(request, () => {
          if (!factors.reset(name)) throw new HttpError(404, `there is no second factor of an account of this name`);
        });
        accounts.guesses.forget(name);
        reply.code(204);
        return null;
      },
    });
  };

/** The command line of the console's machine does not speak for the person whose token it has. @throws HttpError */
function person(request: FastifyRequest): string {
  if (loginIn(request).kind === "token")
    throw new HttpError(403, "a second factor is set up by the person: log in with name and password");
  return askerOf(request).name;
}

function conflicting<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof BadInputError) throw new HttpError(409, error.message);
    throw error;
  }
}
