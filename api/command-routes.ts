import * as z from "zod/mini";
import { commandStates } from "#shared/command-states";
import { json } from "#shared/messages/payload-schema";
import { signature } from "#shared/messages/command-signature";
import { isExact, sendAsText } from "#shared/whole-numbers";
import { commandDocument } from "./command-document.ts";
import type { Route } from "./route.ts";
import {
  about,
  commandId,
  deviceId,
  duration,
  limit,
  nextPlace,
  placeInList,
  yesByDefault,
} from "./document-schema.ts";

/** A command's arguments, as somebody sends them. */
export const commandArgs = z.record(z.string(), json).check(z.refine(isExact, sendAsText));
export const orderedKey = z.string().check(z.minLength(1), z.maxLength(64));

const commandOrder = z.strictObject({
  key: orderedKey,
  args: z.optional(commandArgs),
  timeout: z.optional(
    about(duration, 'how long the caller waits, a number of milliseconds, or text with its unit: "5s", "1h30m"'),
  ),
  ttl: z.optional(
    about(
      duration,
      'how long it may wait for its device to begin it, a number of milliseconds, or text with its unit: "5s", "1h30m"',
    ),
  ),
  signature: z.optional(
    about(signature, "a person's word for it, of which its id is a part: for devices that take no command without one"),
  ),
  id: z.optional(
    about(commandId, "an id of your own: the same request again, after a broken connection, sends nothing twice"),
  ),
});
/** What somebody sends. */
export type CommandOrder = z.input<typeof commandOrder>;
/** The same, checked. */
export type TakenOrder = z.output<typeof commandOrder>;

const params = z.object({ id: commandId });
const query = z.object({
  device: z.optional(about(deviceId, "whose command it is: needed where several devices have had one of this id")),
});

export const commandRoutes = {
  sendCommand: {
    summary: "Send a command and await its end",
    role: "operator",
    params: z.object({ id: deviceId }),
    query: z.object({ wait: about(yesByDefault, "whether the answer comes with its end, or as soon as it is sent") }),
    body: commandOrder,
    answers: { 200: commandDocument, 202: commandDocument },
    problems: [404, 409, 422, 504],
  },
  shutDown: {
    summary: "The shutdown command by its older name",
    role: "operator",
    params: z.object({ uuid: deviceId }),
    answers: { 200: commandDocument },
    problems: [404, 409, 422, 504],
  },
  listCommands: {
    summary: "Commands, newest first, in pages",
    role: "viewer",
    query: z.object({
      device: z.optional(z.string()),
      state: z.optional(z.enum(commandStates)),
      limit: limit(1_000, 100),
      before: placeInList("what was sent before this one", 130),
    }),
    answers: {
      200: z.object({
        commands: about(
          z.array(commandDocument),
          "long ones in brief; fewer than the limit where they are many long ones",
        ),
        next: nextPlace,
      }),
    },
  },
  getCommand: {
    summary: "One command with its timeline",
    role: "viewer",
    params,
    query,
    answers: { 200: commandDocument },
    problems: [404, 409],
  },
  cancelCommand: {
    summary: "Withdraw a command",
    role: "operator",
    params,
    query,
    answers: { 200: commandDocument },
    problems: [404, 409],
  },
} as const satisfies Record<string, Route>;
