import * as z from "zod/mini";
import { maxPasswordLength } from "#shared/principal";
import { about, timeOrNull } from "./document-schema.ts";
import type { Route } from "./route.ts";
import { accountDocument, accountName, groupNames, personRole } from "./session-routes.ts";

const personDocument = z.extend(accountDocument, {
  lastSeen: about(timeOrNull, "when somebody was there last under this name: on the page, or with the password"),
  secondFactor: about(z.boolean(), "whether a code of an authenticator is asked for besides the password"),
  wrongCodes: about(
    z.number(),
    "wrong codes of the second factor that came with the right password lately: somebody may know it",
  ),
  mqttSecret: about(z.boolean(), "whether it has a secret for MQTT alone"),
  provided: about(z.boolean(), "whether it comes from the identity provider, and has no password here"),
});
/** An account, as an administrator sees it. */
export type PersonDocument = z.output<typeof personDocument>;

const password = z.string().check(z.maxLength(maxPasswordLength));
const changed = z.extend(accountDocument, {
  password: z.optional(about(z.string(), "the one that was made, told this once")),
});
const params = z.object({ name: accountName });

/** The accounts of people and programs. */
export const accountRoutes = {
  listAccounts: {
    summary: "Accounts of viewers, operators and administrators",
    role: "admin",
    fleet: true,
    answers: { 200: z.object({ accounts: z.array(personDocument) }) },
  },
  addAccount: {
    summary: "Give a person or program an account",
    role: "admin",
    fleet: true,
    person: true,
    body: z.strictObject({
      name: accountName,
      role: personRole,
      groups: z.optional(about(groupNames, "the groups of devices that it is limited to")),
      password: z.optional(about(password, "one is made where it is left out")),
    }),
    answers: { 201: changed },
    problems: [409],
  },
  changeAccount: {
    summary: "Change an account's role, groups or password; what was open under the old ones ends",
    role: "admin",
    fleet: true,
    person: true,
    params,
    body: z.strictObject({
      role: z.optional(personRole),
      groups: z.optional(about(z.nullable(groupNames), "null takes the limit away")),
      password: z.optional(about(z.union([password, z.literal(true)]), "true has one made")),
    }),
    answers: { 200: changed },
    problems: [404, 409],
  },
  removeAccount: {
    summary: "Take an account away: its sessions, tokens, event streams and MQTT connections end",
    role: "admin",
    fleet: true,
    person: true,
    params,
    answers: { 204: z.null() },
    problems: [404, 409],
  },
} as const satisfies Record<string, Route>;
