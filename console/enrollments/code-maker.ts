import { mayReach, type GroupsOf } from "#shared/principal";
import type { Accounts } from "../accounts/accounts.ts";
import { both } from "../accounts/group-limits.ts";
import type { Enrollment } from "./enrollment.ts";
import { JoinRefusedError } from "./join-refused.ts";

/** The groups to which somebody is limited; undefined for no limit. */
export type Limit = readonly string[] | undefined;

/** Whether all that comes in with these groups is in reach of somebody. */
export function isWithin(limit: Limit, groups: readonly string[]): boolean {
  return limit === undefined || (groups.length > 0 && groups.every((group) => limit.includes(group)));
}

/**
 * What the maker of a code may reach at this moment, and no more than at its making: a code is worth what its maker could do himself.
 * @throws JoinRefusedError where he could not make it any more, with a sentence for the stranger and another for the audit log
 */
export function limitOfMaker(
  { by, limit, groups, again, name }: Enrollment,
  { accounts, groupsOf }: { readonly accounts: Pick<Accounts, "find">; readonly groupsOf: GroupsOf },
): Limit {
  const maker = accounts.find(by);
  if (!maker) throw holdsNoMore(`"${by}", who made the code, has no account any more`);
  if (maker.role !== "operator" && maker.role !== "admin")
    throw holdsNoMore(`"${by}", who made the code, is ${maker.role} by now`);
  const now = both(maker.groups, limit);
  if (!isWithin(now, groups)) throw holdsNoMore(`"${by}", who made the code, does not reach its groups any more`);
  if (again && !mayReach({ groups: now }, name, groupsOf))
    throw holdsNoMore(`"${by}", who made the code, does not reach ${name} any more`);
  return now;
}

/** What a stranger with a code is told is one sentence, whatever has become of people and devices. @param because for the audit log */
export function holdsNoMore(because: string): JoinRefusedError {
  return new JoinRefusedError(
    "ended",
    "this code does not hold any more: have another one made, with muster enroll or the page's Add a device",
    because,
  );
}
