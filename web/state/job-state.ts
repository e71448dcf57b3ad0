import { signal } from "@preact/signals";
import type { JobSummaryDocument } from "#api/job-routes";

/** Known jobs by id, kept current by events. */
export const knownJobs = signal<ReadonlyMap<string, JobSummaryDocument>>(new Map());

export function takeJobs(taken: readonly JobSummaryDocument[]): void {
  const next = new Map(knownJobs.peek());
  for (const job of taken) next.set(job.id, job);
  knownJobs.value = next;
}

/** Newest first. */
export function listJobs(): readonly JobSummaryDocument[] {
  return [...knownJobs.value.values()].sort((a, b) => b.ts - a.ts || (a.id < b.id ? 1 : -1));
}

export function forgetJobs(): void {
  knownJobs.value = new Map();
}
