import * as z from "zod/mini";
import { commandStates } from "#shared/command-states";
import { failure } from "#shared/messages/command-messages";
import { signature } from "#shared/messages/command-signature";
import type { ErrorCode } from "#shared/messages/error-codes";
import { json } from "#shared/messages/payload-schema";
import type { Row } from "../database/row.ts";
import { keptCommandId, keptDeviceId, instant, moment, parserOf } from "../database/row-fields.ts";
import type { Command } from "./command.ts";

const late = z.object({
  ts: instant,
  lateBy: z.number(),
  state: z.enum(["succeeded", "failed", "rejected", "interrupted", "cancelled", "expired"]),
  result: z.optional(json),
  error: z.optional(failure),
});

const command = z.object({
  id: keptCommandId,
  device: keptDeviceId,
  key: z.string(),
  args: z.record(z.string(), json),
  by: z.string(),
  ts: instant,
  timeout: moment,
  expires: moment,
  unsure: z.optional(z.literal(true)),
  state: z.enum(commandStates),
  progress: z.optional(z.number()),
  note: z.optional(z.string()),
  output: z.optional(z.string()),
  result: z.optional(json),
  error: z.optional(failure),
  ended: z.optional(instant),
  online: z.boolean(),
  answered: z.optional(z.boolean()),
  took: z.optional(z.number()),
  late: z.optional(z.array(late)),
  shown: z.optional(z.number()),
  doubted: z.optional(instant),
  timeline: z.array(
    z.object({
      ts: instant,
      who: z.enum(["console", "device", "operator", "broker"]),
      what: z.string(),
      more: z.optional(z.number()),
    }),
  ),
  encoding: z.enum(["json", "cbor", "word"]),
  signature: z.optional(signature),
  brief: z.optional(z.boolean()),
  steps: z.optional(z.number()),
});

const parseDocument = parserOf(command);
/** Its row without its story, by which it is still known, and closed. @throws Error for what is no command's */
export const parseCommandRow = parserOf(
  z.object({
    id: keptCommandId,
    device: keptDeviceId,
    ts: instant,
    state: z.enum(commandStates),
    document: z.string(),
  }),
);

/** @throws Error for a row that does not read, or whose document is of another command */
export function parseCommand(stored: Row): Command {
  const row = parseCommandRow(stored);
  const read = parseDocument(JSON.parse(row.document) as Row);
  if (read.id !== row.id || read.device !== row.device || read.state !== row.state)
    throw new Error("its document is of another command, or of another moment");
  return read as Command;
}

const names = parserOf(z.object({ id: keptCommandId, device: keptDeviceId }));

/**
 * What stands in the place of a command whose story does not read: closed, so that its task is withdrawn and does not run
 * unexplained, and its id stays taken. An answer of the device is still kept beside it.
 * @throws Error where not even its id and device read
 */
export function withoutStory(stored: Row, now: number): Command {
  const { id, device } = names(stored);
  const { success, data } = z.safeParse(instant, stored["ts"]);
  const ts = success ? data : now;
  const message = "its record on the console's disk was damaged: whether the device ran it is not known here";
  return {
    id,
    device,
    key: "unknown",
    args: {},
    by: "unknown",
    ts,
    timeout: null,
    expires: null,
    state: "failed",
    error: { code: "damaged" satisfies ErrorCode, message },
    ended: now,
    online: false,
    timeline: [{ ts: now, who: "console", what: message }],
    encoding: "json",
  };
}
