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
 * it resolves, as their processes are. @returns a token of `operator`
 */
export async function makeAccounts(directory: string, accounts: readonly Account[], operator: string): Promise<string> {
  // In a function of its own, so that nobody holds the connection any more.
  const token = make(directory, accounts, operator);
  await connectionsGone(directory);
  return token;
}

function make(directory: string, accounts: readonly Account[], operator: string): string {
  const state = openState(directory, systemClock);
  try {
    for (const { name, role, secret } of accounts) state.accounts.set(name, role, secret);
    return state.accounts.issueToken(operator, "token", tokenLife);
  } finally {
    state.close();
  }
}
