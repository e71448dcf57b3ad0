import * as z from "zod/mini";
import { admission, claim, joinQuestion, joinVerdict } from "#shared/messages/join-messages";
import type { Route } from "./route.ts";

/** What a machine asks for that joins: before it has an account, and by its own from then on. */
export const joinRoutes = {
  getJoinScript: { summary: "The script that a pasted line runs", answers: { 200: z.string() }, problems: [404] },
  getJoinAgent: { summary: "The agent in one file", answers: { 200: z.string() }, problems: [404] },
  getJoinAuthority: {
    summary: "The certificate authorities by which this console is known: to be compared with the hash in the code",
    answers: { 200: z.object({ ca: z.nullable(z.string()) }) },
  },
  join: {
    summary: "Come in by a code: the machine shows the hash of a secret that it made itself, and is told its name",
    body: claim,
    answers: { 200: admission },
    problems: [403, 409, 410],
  },
  askToJoin: {
    summary: "Ask to come in without a code, again and again until a person has answered",
    body: joinQuestion,
    answers: { 200: joinVerdict },
    problems: [409],
  },
  seeJoined: {
    summary: "Whether the console sees the device online that asks, by its own name and secret",
    answers: { 200: z.object({ device: z.string(), online: z.boolean() }) },
    problems: [401],
  },
} as const satisfies Record<string, Route>;
