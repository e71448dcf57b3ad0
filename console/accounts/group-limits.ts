import * as z from "zod/mini";
import { BadInputError } from "#shared/errors";
import { groupPattern, type Principal } from "#shared/principal";
import { quoted } from "#shared/printable";

/** Groups that one account or token can be limited to: as many as a person can have in mind, and every message is held against each. */
export const maxGroups = 32;

const list = z
  .array(z.string().check(z.regex(groupPattern, "expected a group's name")))
  .check(z.minLength(1), z.maxLength(maxGroups));

/** The column of a row that says to which groups somebody is limited. What does not read as such lets nobody in. */
export const onlyGroups = z.optional(
  z.nullable(
    z.pipe(
      z.string(),
      z.transform((text: string, context): readonly string[] => {
        const read = z.safeParse(list, fromJson(text));
        if (read.success) return read.data;
        context.issues.push({ code: "custom", message: "expected a list of groups", input: text });
        return z.NEVER;
      }),
    ),
  ),
);

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** As a member of an object: left out where there is no limit. */
export function limitedTo(groups: readonly string[] | null | undefined): Pick<Principal, "groups"> {
  return groups ? { groups } : {};
}

/** @returns what stands in the column; null for no limit @throws BadInputError for what cannot be groups */
export function toColumn(groups: readonly string[] | null | undefined): string | null {
  if (!groups) return null;
  const unique = [...new Set(groups)];
  const wrong = unique.find((name) => !groupPattern.test(name));
  if (wrong !== undefined)
    throw new BadInputError(
      `group ${quoted(wrong)} is not valid: expected 1 to 63 letters, digits, ".", "_" and "-", beginning with a letter or digit`,
    );
  if (unique.length === 0 || unique.length > maxGroups)
    throw new BadInputError(`${unique.length} groups: expected 1 to ${maxGroups}, or no limit at all`);
  return JSON.stringify(unique);
}

/** What two limits allow together. An empty list reaches nothing. */
export function both(
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
): readonly string[] | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.filter((group) => other.includes(group));
}
