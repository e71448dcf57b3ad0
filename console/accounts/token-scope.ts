import { BadInputError } from "#shared/errors";
import { roles, type Principal, type Role } from "#shared/principal";
import { both } from "./group-limits.ts";

/** What a token may at most. */
export interface TokenScope {
  readonly role: Role;
  /** Undefined: every device. */
  readonly groups: readonly string[] | undefined;
}

/** What is asked for; as much as the owner may, where it is left out. */
type WantedScope = { readonly [K in keyof TokenScope]?: TokenScope[K] | undefined };

/**
 * The scope of a new token: what was asked for, which may be no more than its owner may; where nothing was asked for, as much.
 * @throws BadInputError where it asks for more
 */
export function scopeOf(owner: Principal, { role = owner.role, groups = owner.groups }: WantedScope): TokenScope {
  if (roles.indexOf(role) > roles.indexOf(owner.role))
    throw new BadInputError(`"${owner.name}" is ${owner.role}: a token of that account cannot be ${role}`);
  const missing = groups?.filter((group) => !both(owner.groups, [group])?.includes(group)) ?? [];
  if (missing.length > 0)
    throw new BadInputError(
      `"${owner.name}" is limited to ${owner.groups?.join(", ") ?? ""}: a token of that account cannot be for ${missing.join(", ")}`,
    );
  return { role, groups };
}
