import { groupPattern, type Role } from "./principal.ts";
import { listOf } from "./settings/kinds.ts";

/** What people get of whom an identity provider says something. */
export interface ClaimRule {
  readonly claim: string;
  readonly value: string;
  readonly role: Extract<Role, "viewer" | "operator" | "admin">;
  /** The groups of devices that they are limited to; left out for no limit. */
  readonly groups?: readonly string[];
}

/** Rules at most: each login is held against all. */
export const maxClaimRules = 100;

const expected = "expected rules such as team=ops:admin or team=lab:operator@lab+field, with commas between";

/** Reads `claim=value:role` and `claim=value:role@group+group`, with commas between. @throws Error whose message says what was expected */
export function parseClaimRules(given: string): readonly ClaimRule[] {
  const rules = listOf(given).map(ruleOf);
  if (rules.length > maxClaimRules) throw new Error(`expected ${maxClaimRules} rules at most`);
  return rules;
}

function ruleOf(text: string): ClaimRule {
  const read = /^([^=]{1,100})=(.{1,200}):(viewer|operator|admin)(?:@(.+))?$/.exec(text);
  const [, claim, value, role, names] = read ?? [];
  if (claim === undefined || value === undefined) throw new Error(expected);
  const groups = names?.split("+");
  if (groups?.some((name) => !groupPattern.test(name))) throw new Error(expected);
  return { claim, value, role: role as ClaimRule["role"], ...(groups ? { groups } : {}) };
}

/**
 * The first rule that fits what the provider says of somebody; undefined where none does, and nobody comes in then.
 * An address of mail counts only where the provider says that it has made sure of it: many let people write there what they like.
 */
export function ruleFor(rules: readonly ClaimRule[], claims: Readonly<Record<string, unknown>>): ClaimRule | undefined {
  return rules.find(({ claim, value }) => {
    if (claim === "email" && claims["email_verified"] !== true) return false;
    const said = claimOf(claims, claim);
    return (Array.isArray(said) ? said : [said]).some((one) => isPlain(one) && String(one) === value);
  });
}

/** A claim by its name, or by the way to it: `realm_access.roles`. */
function claimOf(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let found: unknown = claims;
  for (const step of name.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, step)) return undefined;
    found = (found as Readonly<Record<string, unknown>>)[step];
  }
  return found;
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
