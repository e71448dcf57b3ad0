import * as z from "zod/mini";
import type { Route } from "./route.ts";
import { about, time } from "./document-schema.ts";

const refusedDocument = z.object({
  name: about(z.nullable(z.string()), "the device, or the name that somebody has given; null where there was none"),
  known: about(z.boolean(), "whether there is such a device"),
  topic: about(z.nullable(z.string()), "of the message; null where a connection was not let in"),
  why: z.string(),
  try: z.optional(about(z.string(), "a line that would have been taken")),
  address: z.optional(about(z.string(), "where it came from")),
  first: time,
  last: time,
  count: about(z.number(), "how many times it was told"),
});
/** Something that was not taken: a message, or a connection. */
export type RefusedDocument = z.output<typeof refusedDocument>;

export const refusalRoutes = {
  listRefusals: {
    summary: "What was refused of late, and why: of one device, or (for operators) of everybody",
    role: "viewer",
    query: z.object({ device: z.optional(z.string().check(z.maxLength(128))) }),
    answers: { 200: z.object({ refusals: about(z.array(refusedDocument), "newest first") }) },
  },
} as const satisfies Record<string, Route>;
