import { systemClock } from "#shared/clock";
import type { Principal } from "#shared/principal";
import { openState } from "../console/state.ts";

export type Account = Principal & { readonly secret: string };

/** Milliseconds that the operator's token holds: whoever takes it for next week must still let him look afterwards. */
const tokenLife = 3_650 * 86_400_000;

/** Makes accounts in a console's directory while nobody is at work there, as `muster operator` and `muster enroll` do. @returns a token of `operator` */
export function makeAccounts(directory: string, accounts: readonly Account[], operator: string): string {
  const state = openState(directory, systemClock);
  try {
    for (const { name, role, secret } of accounts) state.accounts.set(name, role, secret);
    return state.accounts.issueToken(operator, "token", tokenLife);
  } finally {
    state.close();
  }
}
