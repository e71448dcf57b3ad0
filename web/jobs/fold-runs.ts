import type { JobSummaryDocument } from "#api/job-routes";
import type { ScheduleDocument } from "#api/schedule-routes";
import { t } from "../language/text.ts";

/** What a schedule has become, in one place of the list. */
export interface Folded {
  readonly id: string;
  readonly name: string;
  /** Those that are known, the newest first. */
  readonly runs: readonly JobSummaryDocument[];
}

/**
 * The jobs, newest first, with those of each schedule in one place: where its newest is. A schedule whose runs are not known yet stands where its last
 * one was begun.
 */
export function folded(
  jobs: readonly JobSummaryDocument[],
  schedules: readonly Pick<ScheduleDocument, "id" | "name" | "last">[],
): readonly (JobSummaryDocument | Folded)[] {
  const names = new Map(schedules.map(({ id, name }) => [id, name]));
  const places = new Map<string, { readonly ts: number; readonly item: JobSummaryDocument | Folded }>();
  const runs = new Map<string, JobSummaryDocument[]>();
  for (const { id, last } of schedules) if (last?.job) runs.set(id, []);
  for (const job of jobs) {
    if (!job.schedule) places.set(job.id, { ts: job.ts, item: job });
    else runs.set(job.schedule.id, [...(runs.get(job.schedule.id) ?? []), job]);
  }
  const begun = new Map(schedules.map(({ id, last }) => [id, last?.ts]));
  for (const [id, known] of runs) {
    const name = names.get(id) ?? known[0]?.schedule?.name ?? "";
    places.set(t("schedule {id}", { id }), { ts: known[0]?.ts ?? begun.get(id) ?? 0, item: { id, name, runs: known } });
  }
  return [...places.values()].sort((a, b) => b.ts - a.ts).map(({ item }) => item);
}
