import { systemClock as clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Settings } from "#shared/settings";
import type { IdentityProvider } from "../../console/provider/identity-provider.ts";
import { reachableFrom } from "./join-places.ts";

/** The identity provider that the settings name; nobody asks it before somebody comes. @param port of the console's HTTP @throws BadInputError */
export async function providerFor(
  values: Settings,
  port: () => number,
  log: Log,
): Promise<IdentityProvider | undefined> {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcRoles: rules } = values;
  if (issuer === undefined) return undefined;
  if (clientId === undefined)
    throw new BadInputError("MUSTER_OIDC_ISSUER is set and MUSTER_OIDC_CLIENT_ID is not: expected both");
  if (rules.length === 0)
    throw new BadInputError(
      "MUSTER_OIDC_ISSUER is set and MUSTER_OIDC_ROLES is not, so nobody could come in: expected rules such as team=ops:admin",
    );
  const { toColumn } = await import("../../console/accounts/group-limits.ts");
  for (const { groups } of rules) toColumn(groups);
  const { IdentityProvider } = await import("../../console/provider/identity-provider.ts");
  return new IdentityProvider({
    issuer,
    clientId,
    clientSecret: values.oidcClientSecret,
    scope: values.oidcScope,
    nameClaim: values.oidcName,
    rules,
    origin: () => values.oidcOrigin ?? values.publicUrl ?? reachableFrom(values, port()),
    log,
    clock,
  });
}
