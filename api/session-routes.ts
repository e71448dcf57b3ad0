import * as z from "zod/mini";
import { maxPasswordLength } from "#shared/principal";
import type { Route } from "./route.ts";
import { about, time } from "./document-schema.ts";

const role = z.enum(["viewer", "operator", "admin"]);
const groups = z.optional(
  about(z.array(z.string()), "the groups of devices that it is limited to; left out where it may reach every device"),
);
const accountDocument = z.object({ name: z.string(), role, groups });
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
      name: z.string().check(z.maxLength(64)),
      password: z.string().check(z.maxLength(maxPasswordLength)),
    }),
    answers: { 200: accountDocument },
    problems: [401],
  },
  whoAmI: { summary: "Who am I", role: "viewer", answers: { 200: accountDocument } },
  logOut: { summary: "Log out", answers: { 204: z.null() } },
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
  listAccounts: {
    summary: "Accounts of viewers, operators and administrators",
    role: "admin",
    fleet: true,
    answers: { 200: z.object({ accounts: z.array(accountDocument) }) },
  },
  removeAccount: {
    summary: "Take an account away: its sessions, tokens, event streams and MQTT connections end",
    role: "admin",
    fleet: true,
    params: z.object({ name: z.string().check(z.maxLength(64)) }),
    answers: { 204: z.null() },
    problems: [404, 409],
  },
} as const satisfies Record<string, Route>;
