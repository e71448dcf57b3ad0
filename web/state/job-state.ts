import { signal } from "@preact/signals";
import type { JobSummaryDocument } from "#api/job-routes";
import { nextMoment } from "./newest.ts";

/** Known jobs by id, kept current by events. */
export const knownJobs = signal<ReadonlyMap<string, JobSummaryDocument>>(new Map());
/** When each was told, or asked for. */
const moments = new Map<string, number>();

/** @param asked when they were asked for; now, for what an event tells. What is known of a job since then stays. */
export function takeJobs(taken: readonly JobSummaryDocument[], asked = nextMoment()): void {
  const next = new Map(knownJobs.peek());
  for (const job of taken) {
    if ((moments.get(job.id) ?? 0) > asked) continue;
    moments.set(job.id, asked);
    next.set(job.id, job);
  }
  knownJobs.value = next;
}

/** Newest first. */
export function listJobs(): readonly JobSummaryDocument[] {
  return [...knownJobs.value.values()].sort((a, b) => b.ts - a.ts || (a.id < b.id ? 1 : -1));
}

export function forgetJobs(): void {
  moments.clear();
  knownJobs.value = new Map();
}
