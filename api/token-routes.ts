import * as z from "zod/mini";
import { about, duration, time } from "./document-schema.ts";
import type { Route } from "./route.ts";
import { accountName, groupLimit, groupNames, personRole } from "./session-routes.ts";

const tokenDocument = z.object({
  id: about(z.string(), "opens nothing; ends the token"),
  name: z.string(),
  account: about(z.string(), "whose it is"),
  role: about(personRole, "what it may at most"),
  groups: groupLimit,
  created: time,
  expires: time,
  used: about(z.nullable(time), "when it was used last, to the minute; null where it never was"),
  usedFrom: about(z.nullable(z.string()), "from which address"),
  current: about(z.boolean(), "whether this request comes with it"),
});
/** A token of a program that is good at present. */
export type TokenDocument = z.output<typeof tokenDocument>;

const newToken = z.strictObject({
  name: about(
    z.string().check(z.minLength(1), z.maxLength(64)),
    "what it is for, for the one who will wonder about it",
  ),
  role: z.optional(about(personRole, "not above the owner's; the owner's where it is left out")),
  groups: z.optional(
    about(groupNames, "some of the owner's, or where he has no limit any; his where they are left out"),
  ),
  ttl: z._default(about(duration, "how long it is good for"), "90d"),
  account: z.optional(about(accountName, "whose it is to be; for an administrator, who else makes his own")),
});
/** What somebody asks for. */
export type NewTokenDocument = z.input<typeof newToken>;

/** Tokens, by which programs log in. */
export const tokenRoutes = {
  createToken: {
    summary: "Make a token for a program; its secret is told this once",
    role: "viewer",
    person: true,
    body: newToken,
    answers: { 201: z.extend(tokenDocument, { secret: about(z.string(), "the bearer token itself") }) },
    problems: [404, 409],
  },
  listTokens: {
    summary: "Tokens that are good at present: one's own, or for an admin all",
    role: "viewer",
    answers: { 200: z.object({ tokens: z.array(tokenDocument) }) },
  },
  revokeToken: {
    summary: "Revoke a token: what is open with it ends",
    role: "viewer",
    params: z.object({ id: z.string().check(z.maxLength(64)) }),
    answers: { 204: z.null() },
    problems: [404],
  },
} as const satisfies Record<string, Route>;
