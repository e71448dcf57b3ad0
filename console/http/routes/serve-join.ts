import type { ZodRoutes } from "../zod-routes.ts";
import { checkKey } from "#shared/key-proof";
import type { Accounts } from "../../accounts/accounts.ts";
import type { BrokerCopy } from "../../accounts/broker-copy.ts";
import type { Certifying } from "../../certificates/certifying.ts";
import type { Claims } from "../../enrollments/claims.ts";
import { JoinRefusedError } from "../../enrollments/join-refused.ts";
import { sourceOfRequest } from "../auth.ts";
import { hostIn, type Joining } from "../joining.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

export interface JoinServed {
  readonly claims: Claims;
  readonly accounts: Accounts;
  readonly brokerCopy: Pick<BrokerCopy, "settled">;
  readonly certifying: Certifying;
  readonly joining: Joining;
  /** Is told of who was not let in. */
  readonly refused: (who: { name: undefined; address: string; why: string }) => void;
  readonly isOnline: (device: string) => boolean;
}

/** What a machine asks for that joins. Nobody is logged in yet. */
export const serveJoin =
  ({ claims, accounts, brokerCopy, certifying, joining, isOnline, refused }: JoinServed): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("getJoinScript"),
      handler: async (_, reply) => {
        reply.type("text/plain; charset=utf-8").header("cache-control", "no-store");
        return joining.files.script;
      },
    });

    app.route({
      ...served("getJoinAgent"),
      handler: async (_, reply) => {
        reply.type("text/javascript; charset=utf-8").header("cache-control", "no-store");
        return joining.files.agent as never;
      },
    });

    app.route({
      ...served("getJoinAuthority"),
      handler: async () => ({ ca: joining.authority?.bundle ?? null }),
    });

    app.route({
      ...served("join"),
      handler: async (request) => {
        try {
          const { machine, certificate: asked } = request.body;
          const key = asked && checkKey(machine, asked);
          const { device, isCertified } = claims.claim(request.body, request.ip);
          const certificate =
            isCertified && key ? { certificate: await certifying.joined(device, key, request.ip) } : {};
          // Whoever comes while the place of the device's former certificate is taken would be thrown out in its stead.
          if (isCertified) await brokerCopy.settled();
          return { ...joining.admissionOf(device, hostIn(request.host), isCertified), ...certificate };
        } catch (error) {
          // Who guesses codes waits with the passwords, too; 160 random bits want no other lock.
          if (error instanceof JoinRefusedError) {
            if (error.why === "unknown") accounts.wrongCode(sourceOfRequest(request));
            refused({ name: undefined, address: request.ip, why: error.because });
          }
          throw error;
        }
      },
    });

    app.route({
      ...served("seeJoined"),
      handler: async ({ login }) => {
        if (login?.principal.role !== "device") throw new HttpError(401, "the device's own name and secret are needed");
        const device = login.principal.name;
        return { device, online: isOnline(device) };
      },
    });
  };
