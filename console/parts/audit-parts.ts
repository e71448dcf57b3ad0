import { Anchor } from "../audit/anchor.ts";
import { Entrances } from "../audit/entrances.ts";
import type { Surroundings } from "./surroundings.ts";

/** What is written down of logins and refusals, and where the audit log ends. */
export function auditParts({ state, clock, log }: Surroundings) {
  const { audit, accounts, directory } = state;
  const entrances = new Entrances({ audit, clock, log });
  const anchor = new Anchor({ directory, audit, synced: () => accounts.synced(), clock, log });
  return { entrances, anchor };
}
