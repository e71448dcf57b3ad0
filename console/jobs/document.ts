import * as z from "zod";
import { json } from "#shared/messages/schema";
import type { JobRow } from "./job.ts";
import type { JobSummary } from "./jobs.ts";

/** The API's documents of jobs as schemas. Times are milliseconds since 1970-01-01 UTC, spans milliseconds. */
const counts = z.object({
  total: z.number(),
  waiting: z.number(),
  sent: z.number().describe("sent and not ended"),
  succeeded: z.number(),
  failed: z.number().describe("failed, interrupted, rejected, expired or timed out"),
  cancelled: z.number().describe("withdrawn, or never sent"),
  states: z.record(z.string(), z.number()).describe("the same by each state that occurs"),
});

export const jobTarget = z.union(
  [
    z.strictObject({ all: z.literal(true) }),
    z.strictObject({ devices: z.array(z.string()).max(10_000) }),
    z.strictObject({ group: z.string() }),
    z.strictObject({ where: z.string().max(1_000) }),
  ],
  { error: 'expected {"all": true}, {"devices": ["rpi-7"]}, {"group": "lab"} or {"where": "os=linux"}' },
);

export const abortRule = z.object({
  failed: z.number().min(0).max(1).describe("the share of ended devices that may fail"),
  min: z.number().int().min(1).default(1).describe("ended devices before the share counts"),
});

/** A job without its devices: in lists and events. */
export const jobSummaryDocument = z.object({
  id: z.string(),
  key: z.string(),
  args: z.record(z.string(), json),
  by: z.string(),
  ts: z.number(),
  state: z.enum(["running", "paused", "cancelled", "aborted", "done"]),
  why: z.string().optional(),
  ended: z.number().optional(),
  target: jobTarget,
  rate: z.number().describe("commands a second at most"),
  canary: z.number(),
  abort: abortRule.nullable(),
  ttl: z.number(),
  timeout: z.number().nullable(),
  counts,
  explain: z.string(),
});

export const jobDocument = jobSummaryDocument.extend({
  devices: z.array(
    z.object({
      device: z.string(),
      state: z.string(),
      canary: z.boolean(),
      command: z.string().nullable(),
      sent: z.number().nullable(),
      ended: z.number().nullable(),
      outcome: z.string().nullable(),
      progress: z.number().optional(),
    }),
  ),
});

export type JobSummaryDocument = z.output<typeof jobSummaryDocument>;
export type JobDocument = z.output<typeof jobDocument>;

export function toJobSummaryDocument({
  target,
  counts: { states, ...sums },
  abort,
  ...job
}: JobSummary): JobSummaryDocument {
  return {
    ...job,
    args: { ...job.args },
    target: "devices" in target ? { devices: [...target.devices] } : target,
    abort: abort && { ...abort },
    counts: { ...sums, states: { ...states } },
  };
}

export function toJobDeviceDocument(row: JobRow): JobDocument["devices"][number] {
  const { device, state, canary, command, sent, ended, outcome, progress } = row;
  return { device, state, canary, command, sent, ended, outcome, ...(progress === undefined ? {} : { progress }) };
}
