import type { JobDocument, JobSummaryDocument } from "#api/job-routes";
import { stated } from "./send-command.ts";
import { ago, shortened, table } from "./text-table.ts";

/** Jobs as a table, in the order given. */
export function jobTable(jobs: readonly JobSummaryDocument[], now: number): string {
  if (jobs.length === 0) return "no jobs yet: send one with muster send --all ping";
  const rows = jobs.map(({ id, key, state, counts, by, ts, explain }) => [
    id,
    key,
    state,
    `${counts.succeeded}/${counts.total}`,
    String(counts.failed - (counts.skipped ?? 0)),
    ago(ts, now),
    by,
    explain,
  ]);
  return table(["ID", "KEY", "STATE", "SUCCEEDED", "FAILED", "SENT", "BY", ""], rows);
}

/** A job with its devices. */
export function jobText(job: JobDocument): string {
  return `${rowTable(job)}\n\n${stated(job.state, job.explain)} (${job.id})`;
}

/** The devices of a job as a table. */
export function rowTable({ devices }: Pick<JobDocument, "devices">): string {
  const rows = devices.map(({ device, state, canary, progress, outcome }) => [
    canary ? `${device} (canary)` : device,
    state === "running" && progress !== undefined ? `running ${Math.round(progress * 100)} %` : state,
    shortened(outcome ?? "", 120),
  ]);
  return table(["DEVICE", "STATE", "OUTCOME"], rows);
}
