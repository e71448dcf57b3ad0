import { ProviderRefusedError } from "#shared/provider-refusals";
import { isPersonName, type Accounts } from "../accounts/accounts.ts";
import type { Audit } from "../audit/audit.ts";
import type { ProvedPerson } from "../provider/identity-provider.ts";

/** The first start's administrator, whose account the settings may make again; and who the audit log says did what is told of many. */
const notForPeople: ReadonlySet<string> = new Set(["admin", "many"]);

export interface Admitting {
  readonly accounts: Accounts;
  readonly audit: Audit;
  /** The address that the person comes from. */
  readonly from: string;
}

/**
 * Gives whom the identity provider has shown to be there an account, or the account what it may now. Who is not to come in any more
 * loses it, with all that is open with it. @returns the account's name @throws ProviderRefusedError
 */
export async function admitProvided(
  { identity, name: called, rule }: ProvedPerson,
  { accounts, audit, from }: Admitting,
): Promise<string> {
  const { provided } = accounts;
  const present = provided.find(identity);
  const name = present?.name ?? called;
  const event = { who: name ?? "", from, on: name, detail: { by: "identity provider", identity } };
  if (!rule) {
    if (present) await audit.around({ ...event, what: "account.removed" }, () => void accounts.remove(present.name));
    throw new ProviderRefusedError("no-role");
  }
  const { role, groups } = rule;
  const detail = { ...event.detail, role, groups };
  if (present) {
    const isSame = present.role === role && present.groups?.join() === groups?.join();
    if (!isSame)
      await audit.around({ ...event, what: "account.changed", detail }, () =>
        provided.change({ name: present.name, role, groups }),
      );
    return present.name;
  }
  if (name === undefined || !isPersonName(name) || notForPeople.has(name.toLowerCase()))
    throw new ProviderRefusedError("bad-name");
  if (provided.isTaken(name)) throw new ProviderRefusedError("name-taken");
  await audit.around({ ...event, what: "account.added", detail }, () => provided.add(identity, { name, role, groups }));
  return name;
}
