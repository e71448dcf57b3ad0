import * as z from "zod/mini";
import { about, deviceId, time } from "./document-schema.ts";
import type { Route } from "./route.ts";

const params = z.object({ id: deviceId });
const counts = z.record(z.string(), z.number());

const removalPlanDocument = z.object({
  device: z.string(),
  goes: about(
    counts,
    "rows that go: account, certificates, open commands, groups, labels, settings, counts of batches",
  ),
  stays: about(counts, "rows that stay: the story of commands that have ended, the audit log"),
  samples: about(z.string(), "what becomes of its samples, in a sentence"),
});
export type RemovalPlanDocument = z.output<typeof removalPlanDocument>;

/** Devices out of service and into it again. */
export const serviceRoutes = {
  retireDevice: {
    summary:
      "Take a device out of service: it is let in no more, its open commands end, and all that is known of it stays",
    role: "operator",
    params,
    answers: { 200: z.object({ device: z.string(), by: z.string(), ts: time }) },
    problems: [404, 409],
  },
  bringBack: {
    summary: "Take a retired device into service again, with the secret that it had",
    role: "operator",
    params,
    answers: {
      200: z.object({
        device: z.string(),
        comesIn: about(z.boolean(), "whether it comes in as it is; else it has to be enrolled again"),
      }),
    },
    problems: [404, 409],
  },
  planRemoval: {
    summary: "What goes with a device that is removed, and what stays",
    role: "admin",
    params,
    answers: { 200: removalPlanDocument },
    problems: [404],
  },
} as const satisfies Record<string, Route>;
