import * as z from "zod/mini";
import type { Route } from "./route.ts";
import { about, deviceId, time } from "./document-schema.ts";

const refusedDocument = z.object({
  id: about(z.number(), "by which one is looked at and forgotten; it is another one after a restart of the console"),
  name: about(z.nullable(z.string()), "the device, or the name that somebody has given; null where there was none"),
  known: about(z.boolean(), "whether there is such a device"),
  topic: about(z.nullable(z.string()), "of the message; null where a connection was not let in"),
  why: z.string(),
  try: z.optional(about(z.string(), "a line that would have been taken")),
  fields: z.optional(
    about(z.boolean(), "whether the message was taken, and fields of it are not stored: the quarantine has them"),
  ),
  address: z.optional(about(z.string(), "where it came from")),
  first: time,
  last: time,
  count: about(z.number(), "how many times it was told"),
  size: z.optional(
    about(z.number(), "bytes of the newest such message; left out where the console did not have the message itself"),
  ),
});
/** Something that was not taken: a message, or a connection. */
export type RefusedDocument = z.output<typeof refusedDocument>;

const refusedPayloadDocument = z.object({
  topic: z.nullable(z.string()),
  size: about(z.number(), "bytes of the message"),
  data: about(z.string(), "its beginning, as base64: of what was refused nobody knows what it is"),
});
/** The message itself, as far as it is kept. */
export type RefusedPayloadDocument = z.output<typeof refusedPayloadDocument>;

/** One of the list. */
const refusalId = z.object({ id: z.coerce.number().check(z.int(), z.gte(1)) });

export const refusalRoutes = {
  listRefusals: {
    summary: "What was refused of late, and why: of one device, or (for operators) of everybody",
    role: "viewer",
    query: z.object({ device: z.optional(z.string().check(z.maxLength(128))) }),
    answers: { 200: z.object({ refusals: about(z.array(refusedDocument), "newest first") }) },
  },
  getRefusedPayload: {
    summary: "The beginning of a message that was refused: what came, byte by byte",
    role: "operator",
    params: refusalId,
    answers: { 200: refusedPayloadDocument },
    problems: [404],
  },
  forgetRefusal: {
    summary: "Forget one refusal; the next one like it is told anew",
    role: "operator",
    params: refusalId,
    answers: { 200: z.object({ forgotten: z.number() }) },
    problems: [404],
  },
  forgetRefusals: {
    summary: "Forget the refusals of one device, or of everybody",
    role: "operator",
    query: z.object({ device: z.optional(deviceId) }),
    answers: { 200: z.object({ forgotten: z.number() }) },
  },
} as const satisfies Record<string, Route>;
