import * as z from "zod/mini";
import { commandStates } from "#shared/command-states";
import { signature } from "#shared/messages/command-signature";
import { json } from "#shared/messages/payload-schema";
import type { Row } from "../database/row.ts";
import { keptCommandId, keptDeviceId, instant, moment, parserOf } from "../database/row-fields.ts";
import type { Job, JobRow } from "./job.ts";

/** A target as it is kept. */
export const keptTarget = z.union([
  z.object({ all: z.literal(true) }),
  z.object({ devices: z.array(z.string()) }),
  z.object({ group: z.string() }),
  z.object({ where: z.string() }),
]);

const document = z.object({
  id: z.string(),
  key: z.string(),
  args: z.record(z.string(), json),
  target: keptTarget,
  rate: z.number().check(z.positive()),
  canary: z.number(),
  abort: z.nullable(z.object({ failed: z.number(), min: z.number() })),
  gate: z.optional(z.string()),
  ttl: z.number(),
  timeout: moment,
  by: z.string(),
  ts: instant,
  schedule: z.optional(z.object({ id: z.string(), name: z.string() })),
  state: z.enum(["running", "paused", "cancelled", "aborted", "done"]),
  why: z.optional(z.string()),
  ended: z.optional(instant),
  signature: z.optional(signature),
});
const parseDocument = parserOf(document);
const row = z.object({ id: z.string(), document: z.string() });
const parseRow = parserOf(row);

/** @throws Error for a row that does not read */
export function parseJob(stored: Row): Job {
  const { id, document } = parseRow(stored);
  const job = parseDocument(JSON.parse(document) as Row);
  if (job.id !== id) throw new Error(`its document is of another job, ${job.id}`);
  return job as Job;
}

const device = parserOf(
  z.object({
    job: z.string(),
    position: z.int().check(z.nonnegative()),
    device: keptDeviceId,
    canary: z.number(),
    state: z.enum(["waiting", ...commandStates]),
    command: z.nullable(keptCommandId),
    sent: moment,
    taken: moment,
    ended: moment,
    outcome: z.nullable(z.string()),
  }),
);

/** @throws Error for a row that does not read */
export function parseJobDevice(stored: Row): JobRow {
  const { job: _, canary, ...row } = device(stored);
  return { ...row, canary: canary === 1 };
}
