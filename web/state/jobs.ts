import { signal } from "@preact/signals";
import type { JobSummaryDocument } from "#api/jobs";

/** Known jobs by id, kept current by events. */
export const jobs = signal<ReadonlyMap<string, JobSummaryDocument>>(new Map());

export function takeJobs(taken: readonly JobSummaryDocument[]): void {
  const next = new Map(jobs.peek());
  for (const job of taken) next.set(job.id, job);
  jobs.value = next;
}

/** Newest first. */
export function listJobs(): readonly JobSummaryDocument[] {
  return [...jobs.value.values()].sort((a, b) => b.ts - a.ts || (a.id < b.id ? 1 : -1));
}

export function forgetJobs(): void {
  jobs.value = new Map();
}
