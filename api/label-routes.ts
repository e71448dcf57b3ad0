import * as z from "zod/mini";
import { about, deviceId } from "./document-schema.ts";
import type { Route } from "./route.ts";

const labelsDocument = z.object({
  device: z.string(),
  name: z.optional(about(z.string(), "what people call it; left out where it has none")),
  note: z.optional(z.string()),
  tags: z.optional(z.array(z.string())),
});

/** The longest text that is looked at: what it may be is said in a sentence. */
const text = z.nullable(z.string().check(z.maxLength(10_000)));

/** What people call devices and write down about them. */
export const labelRoutes = {
  setLabels: {
    summary: "Name, note and tags of a device: null takes one away, what is left out stays; they are in its document",
    role: "operator",
    params: z.object({ id: deviceId }),
    body: z.strictObject({
      name: z.optional(text),
      note: z.optional(text),
      tags: z.optional(z.nullable(z.array(z.string().check(z.maxLength(1_000))).check(z.maxLength(1_000)))),
    }),
    answers: { 200: labelsDocument },
    problems: [404],
  },
} as const satisfies Record<string, Route>;
