import { createHash } from "node:crypto";
import type { JobRequest } from "../jobs/job.ts";

/** What a schedule has done each time: one command to many devices, or to one. */
export type ScheduledOrder = Omit<JobRequest, "id" | "signature">;

/** What somebody asks for. Times are milliseconds. */
export interface ScheduleOrder {
  /** One line, for people. */
  readonly name: string;
  /** Five fields. */
  readonly cron: string;
  /** Of the IANA's time zones. */
  readonly zone: string;
  /** How long after its time a run may still begin, where the console was not there or could not. */
  readonly window: number;
  /** What becomes of the newest run that was missed and is still within the window: it is begun late, once, or only told. */
  readonly missed: "run" | "tell";
  readonly order: ScheduledOrder;
}

export interface Schedule extends ScheduleOrder {
  readonly id: string;
  readonly by: string;
  /** When its maker's account was made, epoch ms: another one of the same name is somebody else. Undefined where that account was gone already. */
  readonly account?: number | undefined;
  /** The program's token that made it, with which it ends. */
  readonly token?: { readonly id: string; readonly name: string } | undefined;
  /** The groups to which its maker was limited as it was made; undefined for no limit. */
  readonly limit?: readonly string[] | undefined;
  /** Epoch ms, as those below. */
  readonly created: number;
  readonly paused: { readonly by: string; readonly ts: number } | null;
  /** All that was due up to here is dealt with. */
  readonly handled: number;
}

/** What became of one time at which a schedule was due. */
export interface ScheduleRun {
  /** When it was due, epoch ms. */
  readonly due: number;
  /** When that was decided. */
  readonly ts: number;
  readonly state: "begun" | "missed" | "refused";
  /** The job that it became. */
  readonly job: string | null;
  /** Why it was missed or refused, or begun late. */
  readonly why: string | null;
}

/** Characters of a job's id that begin with its time. */
const timeLength = 9;

/**
 * The job that a schedule becomes at an instant: always the same one, so that after a kill it is found again instead of made twice. It sorts
 * by its time among the ids of other jobs.
 */
export function runId({ id }: Pick<Schedule, "id">, due: number): string {
  const hash = createHash("sha256").update(`${id}/${due}`).digest("hex").slice(0, 18);
  return `${due.toString(36).padStart(timeLength, "0")}${hash}`;
}
