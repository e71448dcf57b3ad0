import * as z from "zod/mini";
import type { Principal } from "#shared/principal";
import { parserOf } from "../database/row-fields.ts";
import type { Row } from "../database/row.ts";
import { limitedTo, onlyGroups } from "./group-limits.ts";

export interface Account extends Principal {
  /** In the format of Mosquitto's password file. */
  readonly hash: string;
  /** Whether it is a device that identifies itself by a certificate: its secret opens nothing over MQTT then. */
  readonly certified?: true;
  /** Who it is for the identity provider that it comes from; left out where it has a password here. */
  readonly identity?: string;
}

// So few rounds at most as would not hold up anybody: a damaged number could say billions.
const secretHash = z
  .string()
  .check(z.regex(/^\$7\$[1-9]\d{0,6}\$[A-Za-z0-9+/=]{16,88}\$[A-Za-z0-9+/]{86}==$/, "expected a hash"));
const parseRow = parserOf(
  z.object({
    name: z.string(),
    role: z.enum(["device", "console", "viewer", "operator", "admin"]),
    hash: secretHash,
    only_groups: onlyGroups,
    certified: z.optional(z.number()),
    identity: z.optional(z.nullable(z.string())),
  }),
);

/** A row that does not read lets nobody in: it is as if there were no such account. */
export function parseAccount(row: Row): Account {
  const { only_groups, certified, identity, ...account } = parseRow(row);
  return {
    ...account,
    ...(certified === 1 ? { certified: true as const } : {}),
    ...(typeof identity === "string" ? { identity } : {}),
    ...limitedTo(only_groups),
  };
}

/** What of an account decides what it may. */
export function principalOf({ name, role, groups }: Account): Principal {
  return { name, role, ...limitedTo(groups) };
}

/** A person's secret for MQTT alone. */
export const parseMqttSecret = parserOf(z.object({ account: z.string(), hash: secretHash }));
