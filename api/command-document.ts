import * as z from "zod/mini";
import { commandStates } from "#shared/command-states";
import { json } from "#shared/messages/payload-schema";
import { signature } from "#shared/messages/command-signature";
import { about, named, time } from "./document-schema.ts";

const failure = z.object({ code: z.string(), message: z.string(), data: z.optional(json) });

const lateReply = z.object({
  ts: time,
  lateBy: about(z.number(), "milliseconds after the command was closed"),
  state: z.enum(commandStates),
  result: z.optional(json),
  error: z.optional(failure),
});

const commandEvent = z.object({
  ts: time,
  who: z.enum(["console", "device", "operator", "broker"]),
  what: z.string(),
  more: z.optional(about(z.number(), "in place of so many events that are not kept")),
});

/** A command's whole story. */
export const commandDocument = named(
  z.object({
    id: z.string(),
    device: z.string(),
    key: z.string(),
    args: z.record(z.string(), json),
    by: about(z.string(), "whose it is: an account's name"),
    ts: time,
    timeout: about(z.nullable(z.number()), "milliseconds that its caller waits; null where nobody does"),
    expires: about(
      z.nullable(z.number()),
      "when it ends for want of a beginning, in milliseconds since 1970-01-01 UTC",
    ),
    state: z.enum(commandStates),
    progress: z.optional(about(z.number(), "from 0 to 1")),
    note: z.optional(z.string()),
    output: z.optional(z.string()),
    result: z.optional(json),
    error: z.optional(failure),
    ended: z.optional(time),
    took: z.optional(about(z.number(), "milliseconds until its handler had ended it: succeeded or failed")),
    usually: z.optional(
      about(
        z.object({ p50: z.number(), p99: z.number(), count: z.number() }),
        "how long this device's answers to this key take",
      ),
    ),
    late: z.optional(about(z.array(lateReply), "replies that came after the command was closed; they change nothing")),
    signature: z.optional(about(signature, "a person's word for it, as the device gets it")),
    shown: z.optional(about(z.number(), "how many times it was published again because nothing was heard of it")),
    timeline: z.array(commandEvent),
    explain: about(z.string(), "one sentence: what it waits for, and who acts next"),
    brief: z.optional(about(z.boolean(), "whether what is long in it was left out: GET /api/commands/:id has it")),
    steps: z.optional(about(z.number(), "of one in brief, how many entries its timeline has")),
  }),
  "Command",
);
export type CommandDocument = z.output<typeof commandDocument>;
export type LateReply = z.output<typeof lateReply>;
export type CommandEvent = z.output<typeof commandEvent>;
