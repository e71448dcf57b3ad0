import * as z from "zod/mini";
import { decode, payloadCap, type Encoding } from "#shared/codec";
import { check, count, epochMs, json, jsonObject, read, payloadText } from "#shared/messages/payload-schema";
import { commandKey } from "#shared/messages/presence-messages";
import { signature } from "#shared/messages/command-signature";
import { bigAsText, isExact, largeAsText, sendAsText } from "#shared/whole-numbers";

/** A command's arguments: an object of what JSON can say, and says exactly. */
export const args = z.pipe(z.custom<z.input<typeof jsonObject>>(isExact, sendAsText), jsonObject);
export type Args = z.infer<typeof args>;

/**
 * The command as the device sees it: the retained message on `cmd/<id>`. Only `key` is needed, so that a person can type
 * one. `timeout` (ms) is how long the caller waits; `expires` (epoch ms, console's clock) the moment after which
 * the device must not begin. Two clocks, never one.
 */
export const task = z.object({
  id: z.optional(payloadText),
  key: commandKey,
  args: z.optional(args),
  by: z.optional(payloadText),
  ts: z.optional(epochMs),
  timeout: z.optional(count),
  expires: z.optional(epochMs),
  /** A person's word for it, on devices that take no other. Its times are the signer's own. */
  signature: z.optional(signature),
});
export type Task = z.infer<typeof task>;

/** A task or short form from its payload; a bare word is a key without arguments. @throws BadInputError */
export function readTask(payload: Buffer): { value: Task; encoding: Encoding } {
  const { value, encoding } = decode(payload);
  return { value: check(task, encoding === "word" ? { key: value } : value, "command"), encoding };
}

/** What went wrong, for programs (`code`) and for people (`message`). */
export const failure = z.object({ code: payloadText, message: payloadText, data: z.optional(json) });
export type Failure = z.infer<typeof failure>;

/** `ts` is when it was said, epoch ms; a device without a clock leaves it out. */
const common = { id: payloadText, ts: z.optional(epochMs), boot: z.optional(payloadText), ms: z.optional(z.number()) };
const running = z.object({
  ...common,
  state: z.literal("running"),
  progress: z.optional(z.number().check(z.gte(0), z.lte(1))),
  note: z.optional(payloadText),
  output: z.optional(z.string()),
});
const accepted = z.object({ ...common, state: z.literal("accepted"), note: z.optional(payloadText) });
const succeeded = z.object({ ...common, state: z.literal("succeeded"), result: z.optional(json) });
const failed = z.object({
  ...common,
  state: z.enum(["failed", "rejected", "interrupted", "cancelled", "expired"]),
  error: failure,
});

/** The device's correlated answer: one or several, the last one final. A failure always carries a reason. */
export const reply = z.discriminatedUnion("state", [accepted, running, succeeded, failed]);
export type Reply = z.infer<typeof reply>;
export type FinalReply = Extract<
  Reply,
  { state: "succeeded" | "failed" | "rejected" | "interrupted" | "cancelled" | "expired" }
>;

/**
 * A device cannot be asked to send its reply otherwise, and what it did is done: a whole number beyond 2^53 is kept as text.
 * @throws BadInputError
 */
export function readReply(payload: Buffer): { value: Reply; encoding: Encoding } {
  const { value, encoding } = decode(payload, payloadCap, largeAsText);
  return { value: check(reply, encoding === "cbor" ? bigAsText(value) : value, "reply"), encoding };
}

export function isFinalReply(one: Reply): one is FinalReply {
  return one.state !== "accepted" && one.state !== "running";
}

/** Why a short command that was published to be kept is refused: it would be carried out at every start of the console. */
export const whyNotKept =
  "a retained message on cmd comes again at every start of the console: it is neither carried out nor kept; retain it on cmd/ID, with an id of your own";

/** Why a message was refused, and the line that would have worked; or that it was taken, and some of its fields are not stored. */
export const refusal = z.object({
  topic: payloadText,
  why: payloadText,
  ts: epochMs,
  try: z.optional(payloadText),
  fields: z.optional(z.boolean()),
});
export type Refusal = z.infer<typeof refusal>;

/** Characters of a topic in it: a topic may have 64 KiB, and nobody reads on. */
export const maxToldTopicLength = 512;

export function toldTopic(topic: string): string {
  return topic.length > maxToldTopicLength ? `${topic.slice(0, maxToldTopicLength)}…` : topic;
}

/** @throws BadInputError */
export const readRefusal = (payload: Buffer): Refusal => read(refusal, payload, "refusal").value;
