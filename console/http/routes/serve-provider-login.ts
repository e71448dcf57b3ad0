import type { FastifyReply, FastifyRequest } from "fastify";
import type { ZodRoutes } from "../zod-routes.ts";
import { addresses } from "#api/addresses";
import type { Clock } from "#shared/clock";
import { EnvironmentError } from "#shared/errors";
import { ProviderRefusedError, type ProviderRefusal } from "#shared/provider-refusals";
import type { Accounts } from "../../accounts/accounts.ts";
import type { Audit } from "../../audit/audit.ts";
import type { Entrances } from "../../audit/entrances.ts";
import type { IdentityProvider } from "../../provider/identity-provider.ts";
import { admitProvided } from "../admit-provided.ts";
import { beginSession } from "../begin-session.ts";
import { FlowCookie, flowLength } from "../flow-cookie.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** What the routes of logins by an identity provider serve. */
export interface ProviderLoginRoutes {
  readonly accounts: Accounts;
  /** Undefined where the settings name none. */
  readonly provider: IdentityProvider | undefined;
  readonly audit: () => Audit;
  readonly entrances: () => Entrances;
  readonly clock: Clock;
}

/** Logging in by OpenID Connect. Both ways are walked by a browser, so what went wrong is said on the page, by a word in its address. */
export const serveProviderLogin =
  ({ accounts, provider, audit, entrances, clock }: ProviderLoginRoutes): ZodRoutes =>
  async (app) => {
    const flows = new FlowCookie(clock);
    app.route({ ...served("listLoginWays"), handler: async () => ({ provider: provider?.host ?? null }) });

    app.route({
      ...served("beginProviderLogin"),
      handler: async (request, reply) => {
        if (!provider) throw noProvider();
        const { origin } = provider;
        // The cookie has to be where the way back leads: a machine has several names. Once, because a proxy may hide the name.
        if (request.host !== new URL(origin).host && request.query.here === undefined)
          return reply.redirect(`${origin}${addresses.beginProviderLogin.path}?here=1`, 303);
        try {
          const { url, flow } = await provider.begin(request.ip);
          reply.setCookie(flowCookie(request), flows.seal(flow), {
            path: "/",
            httpOnly: true,
            // Strict would keep it back: it is the provider's page that leads here again.
            sameSite: "lax",
            secure: request.protocol === "https",
            maxAge: flowLength / 1_000,
          });
          return reply.redirect(url, 303);
        } catch (error) {
          return refused(error, reply);
        }
      },
    });

    app.route({
      ...served("endProviderLogin"),
      handler: async (request, reply) => {
        if (!provider) throw noProvider();
        const from = request.ip;
        const cookie = request.cookies[flowCookie(request)];
        // It is good for one way back, whatever comes of it.
        reply.clearCookie(flowCookie(request), { path: "/", secure: request.protocol === "https" });
        let who = "";
        try {
          const flow = cookie === undefined ? undefined : flows.open(cookie);
          if (!flow || flow.state !== request.query.state) throw new ProviderRefusedError("stale");
          const person = await provider.finish(request.query, flow, from);
          who = accounts.provided.find(person.identity)?.name ?? person.name ?? "";
          const name = await admitProvided(person, { accounts, audit: audit(), from });
          beginSession(accounts, name, request, reply);
          await accounts.synced();
          entrances().note({ who: name, from, what: "login.ok", on: "provider", detail: { door: "provider" } });
          return reply.redirect("/", 303);
        } catch (error) {
          const answer = refused(error, reply);
          const detail = { why: whyOf(error) };
          entrances().note({ who, from, what: "login.refused", on: "provider", result: "refused", detail });
          return answer;
        }
      },
    });
  };

function noProvider(): HttpError {
  return new HttpError(404, "no identity provider is set: MUSTER_OIDC_ISSUER names one");
}

function refused(error: unknown, reply: FastifyReply): FastifyReply {
  const why = whyOf(error);
  if (why === undefined) throw error;
  return reply.redirect(`/?refused=${why}`, 303);
}

function whyOf(error: unknown): ProviderRefusal | undefined {
  if (error instanceof ProviderRefusedError) return error.why;
  return error instanceof EnvironmentError ? "unwritten" : undefined;
}

/** As the session's: under TLS the browser keeps others from setting it. */
function flowCookie({ protocol }: FastifyRequest): string {
  return protocol === "https" ? "__Host-muster_login" : "muster_login";
}
