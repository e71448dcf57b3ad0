import { signal } from "@preact/signals";
import type { Json } from "#shared/messages/command";

export type JobState = "running" | "paused" | "cancelled" | "aborted" | "done";

/** A job without its devices: what lists and the `job` event carry. */
export interface JobSummary {
  readonly id: string;
  readonly key: string;
  readonly args: Readonly<Record<string, Json>>;
  readonly by: string;
  readonly ts: number;
  readonly state: JobState;
  readonly ended?: number;
  readonly target: Readonly<Record<string, unknown>>;
  readonly rate: number;
  readonly canary: number;
  readonly abort: { readonly failed: number; readonly min: number } | null;
  readonly counts: JobCounts;
  /** One sentence: what it waits for, and who acts next. */
  readonly explain: string;
}

export interface JobCounts {
  readonly total: number;
  readonly waiting: number;
  readonly sent: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
}

/** Known jobs by id, kept current by events. */
export const jobs = signal<ReadonlyMap<string, JobSummary>>(new Map());

export function takeJobs(taken: readonly JobSummary[]): void {
  const next = new Map(jobs.peek());
  for (const job of taken) next.set(job.id, job);
  jobs.value = next;
}

/** Newest first. */
export function listJobs(): readonly JobSummary[] {
  return [...jobs.value.values()].sort((a, b) => b.ts - a.ts || (a.id < b.id ? 1 : -1));
}

export function forgetJobs(): void {
  jobs.value = new Map();
}
