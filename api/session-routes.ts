import * as z from "zod/mini";
import { maxPasswordLength } from "#shared/principal";
import type { Route } from "./route.ts";
import { about, time } from "./document-schema.ts";

export const personRole = z.enum(["viewer", "operator", "admin"]);
export const secondFactorCode = z.string().check(z.maxLength(32));
export const accountName = z.string().check(z.maxLength(64));
export const groupNames = z.array(z.string().check(z.maxLength(64))).check(z.minLength(1), z.maxLength(100));
export const groupLimit = z.optional(
  about(z.array(z.string()), "the groups of devices that it is limited to; left out where it may reach every device"),
);
export const accountDocument = z.object({ name: z.string(), role: personRole, groups: groupLimit });
/** A person or program that may log in. */
export type AccountDocument = z.output<typeof accountDocument>;

const sessionDocument = z.object({
  id: about(z.string(), "opens nothing; ends the session"),
  account: z.string(),
  kind: about(z.enum(["session", "token"]), "of a browser, or of a program"),
  created: time,
  used: about(time, "to the minute"),
  expires: time,
  address: z.string(),
  agent: about(z.string(), "what the browser calls itself, cut"),
  current: about(z.boolean(), "whether this request comes with it"),
});
/** A session of a browser, or a token of a program, that is good at present. */
export type SessionDocument = z.output<typeof sessionDocument>;

export const sessionRoutes = {
  logIn: {
    summary: "Log in: sets the session cookie",
    body: z.strictObject({
      name: accountName,
      password: z.string().check(z.maxLength(maxPasswordLength)),
      code: z.optional(about(secondFactorCode, "of the account's second factor, where it has one")),
    }),
    answers: { 200: accountDocument },
    problems: [401],
  },
  whoAmI: { summary: "Who am I", role: "viewer", answers: { 200: accountDocument } },
  logOut: {
    summary: "Log out",
    query: z.object({
      browser: z.optional(about(z.string().check(z.maxLength(64)), "one of yours that is told of alerts no more")),
    }),
    answers: { 204: z.null() },
  },
  listSessions: {
    summary: "Sessions and tokens that are good at present: one's own, or for an admin all",
    role: "viewer",
    answers: { 200: z.object({ sessions: z.array(sessionDocument) }) },
  },
  endSession: {
    summary: "End a session or token, and what is open with it",
    role: "viewer",
    params: z.object({ id: z.string().check(z.maxLength(64)) }),
    answers: { 204: z.null() },
    problems: [404],
  },
} as const satisfies Record<string, Route>;
