import type { JobDevice, JobSummaryDocument, PlannedDevice, TakenJobOrder, TakenScheduledOrder } from "#api/job-routes";
import { maxWait, parseDuration } from "#shared/duration";
import type { JobRequest, JobRow } from "../jobs/job.ts";
import type { PlannedRow } from "../jobs/takers.ts";
import type { JobSummary } from "../jobs/jobs.ts";

/** A job without its devices, as the API's documents have it. */
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

export function toJobDevice(row: JobRow): JobDevice {
  const { device, state, canary, command, sent, ended, outcome, progress } = row;
  return { device, state, canary, command, sent, ended, outcome, ...(progress === undefined ? {} : { progress }) };
}

/** An order in the console's words. @throws BadInputError for times that do not read */
export function toJobRequest({ ttl, timeout, abort, ...body }: TakenJobOrder | TakenScheduledOrder): JobRequest {
  return {
    ...body,
    abort: abort ?? null,
    ttl: parseDuration(ttl, "ttl", maxWait),
    timeout: timeout === undefined ? null : parseDuration(timeout, "timeout", maxWait),
  };
}

export function toPlannedDevice({ device, refused, canary }: PlannedRow): PlannedDevice {
  const { id, name, online, reason } = device;
  const verdict = refused !== undefined ? "refused" : online ? "now" : "waits";
  const why = refused ?? (online ? null : reason);
  return { device: id, ...(name === undefined ? {} : { name }), online, canary, verdict, why };
}
