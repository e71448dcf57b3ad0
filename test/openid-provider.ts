import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Scope } from "./suite.ts";

/** Who the next one is that logs in at the provider. */
export interface ProvidersPerson {
  readonly sub: string;
  readonly preferred_username?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly team?: readonly string[];
}

export interface OpenIdProvider {
  readonly issuer: string;
  person: ProvidersPerson;
}

export const providersClient = { id: "muster", secret: "s".repeat(40) };

/**
 * A real OpenID provider (oidc-provider) on a free port of loopback, that asks nobody for a password: who comes is `person`.
 * @param origin where the console is, known once it listens
 */
export async function startOpenIdProvider(scope: Scope, origin: () => string): Promise<OpenIdProvider> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  scope.cleanup(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const given: OpenIdProvider = { issuer, person: { sub: "nobody" } };
  // Loaded here, because it warns at once that it is for newer versions of Node: it works with this one.
  const { Provider } = await import("oidc-provider");
  const people = new Map<string, ProvidersPerson>();
  let made: InstanceType<typeof Provider> | undefined;
  const make = (): InstanceType<typeof Provider> => {
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: providersClient.id,
          client_secret: providersClient.secret,
          redirect_uris: [`${origin()}/login/provider/back`],
        },
      ],
      claims: { openid: ["sub"], profile: ["preferred_username", "team"], email: ["email", "email_verified"] },
      pkce: { required: () => true },
      features: { devInteractions: { enabled: false } },
      interactions: { url: () => "/interaction" },
      findAccount: (_: unknown, sub: string) => ({ accountId: sub, claims: () => people.get(sub) }),
      loadExistingGrant: async ({ oidc: { client, session } }: Asking) => {
        const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
        grant.addOIDCScope("openid profile email");
        await grant.save();
        return grant;
      },
      cookies: { keys: ["k"] },
    });
    return provider;
  };
  server.on("request", (request, response) => {
    made ??= make();
    if (!request.url?.startsWith("/interaction")) return made.callback()(request, response);
    const { sub } = given.person;
    people.set(sub, { ...given.person });
    void made.interactionFinished(request, response, { login: { accountId: sub, remember: false } });
  });
  return given;
}

interface Asking {
  readonly oidc: { readonly client: { readonly clientId: string }; readonly session: { readonly accountId: string } };
}
