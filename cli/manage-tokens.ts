import type { Client, TokenDocument } from "#api/client";
import { formatDuration } from "#shared/duration";
import { BadInputError } from "#shared/errors";
import { forTerminal, quoted } from "#shared/printable";
import { ago, asJson, table } from "./text-table.ts";

export interface TokenFlags {
  readonly role?: string;
  readonly group?: readonly string[];
  readonly ttl?: string;
  readonly account?: string;
  readonly json?: boolean;
}

/** Makes a token. @returns its secret, and what it may @throws BadInputError without a name, or for what is no role */
export async function createToken(
  client: Client,
  name: string | undefined,
  { role, group, ttl, account, json }: TokenFlags,
): Promise<string> {
  if (name === undefined) throw new BadInputError("expected a name: what the token is for");
  if (role !== undefined && !isPersonRole(role))
    throw new BadInputError(`--role is ${quoted(role)}: expected viewer, operator or admin`);
  const made = await client.createToken({ name, role, groups: group && [...group], ttl, account });
  if (json) return asJson(made);
  return `${made.secret}\n${forTerminal(made.name)} (${rightsOf(made)}), a token of ${made.account} until ${new Date(made.expires).toISOString()}; the secret is shown this once: MUSTER_TOKEN takes it, and HTTP as a bearer token`;
}

/** The tokens that are good, as a table. */
export async function listTokens(client: Client, { json }: TokenFlags, now: number): Promise<string> {
  const { tokens } = await client.listTokens();
  if (json) return asJson(tokens);
  const rows = tokens.map((token) => [
    token.id,
    token.name,
    token.account,
    rightsOf(token),
    formatDuration(Math.max(0, token.expires - now)),
    token.used === null ? "never" : ago(token.used, now),
    token.usedFrom ?? "\u2013",
  ]);
  return table(["ID", "NAME", "ACCOUNT", "MAY", "ENDS IN", "USED", "FROM"], rows);
}

/** Ends a token. @throws BadInputError without an id */
export async function revokeToken(client: Client, id: string | undefined): Promise<string> {
  if (id === undefined) throw new BadInputError("expected the id of a token: muster token list");
  await client.revokeToken(id);
  return `${forTerminal(id)} is revoked, and what was open with it has ended`;
}

function rightsOf({ role, groups }: Pick<TokenDocument, "role" | "groups">): string {
  return groups ? `${role} of ${groups.join(", ")}` : role;
}

function isPersonRole(role: string): role is TokenDocument["role"] {
  return role === "viewer" || role === "operator" || role === "admin";
}
