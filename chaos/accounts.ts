import { systemClock } from "#shared/clock";
import type { Principal } from "#shared/principal";
import { openState } from "../console/state/state.ts";
import { connectionsGone } from "./connections.ts";

export type Account = Principal & { readonly secret: string };

/** By which somebody comes to the broker. */
export interface Login {
  readonly url: string;
  /** With TLS: the authority that is trusted, as PEM. */
  readonly ca?: string | undefined;
  readonly username: string;
  readonly password: string;
}

/** Milliseconds that the operator's token holds: whoever takes it for next week must still let him look afterwards. */
const tokenLife = 3_650 * 86_400_000;

/**
 * Makes accounts in a console's directory while nobody is at work there, as `muster operator` and `muster enroll` do, and is gone from it when
 * it resolves, as their processes are. @returns a token of each of these `people`
 */
export async function makeAccounts<P extends string>(
  directory: string,
  accounts: readonly Account[],
  people: readonly P[],
): Promise<Record<P, string>> {
  // In a function of its own, so that nobody holds the connection any more.
  const tokens = make(directory, accounts, people);
  await connectionsGone(directory);
  return tokens;
}

function make<P extends string>(
  directory: string,
  accounts: readonly Account[],
  people: readonly P[],
): Record<P, string> {
  const state = openState(directory, systemClock);
  try {
    for (const { name, role, secret } of accounts) state.accounts.set(name, role, secret);
    const tokens = people.map((name) => [name, state.accounts.issueToken(name, "token", tokenLife)] as const);
    return Object.fromEntries(tokens) as Record<P, string>;
  } finally {
    state.close();
  }
}
