import { stateLooks } from "../commands/states.ts";
import type { RowState } from "./api.ts";
import type { JobState, JobSummary } from "./known.ts";

type Tone = "wait" | "busy" | "good" | "bad" | "dull";

/** What a job's state is called, and the colour it has. */
export function jobLooks({ state, counts }: JobSummary): { readonly label: string; readonly tone: Tone } {
  const tones: Readonly<Record<JobState, Tone>> = {
    running: "busy",
    paused: "wait",
    cancelled: "dull",
    aborted: "bad",
    done: counts.succeeded === counts.total ? "good" : "bad",
  };
  const label = state === "done" && counts.succeeded < counts.total ? "Done, not all" : capital(state);
  return { label, tone: tones[state] };
}

/** The same of one device's part. */
export function rowLooks(state: RowState): { readonly label: string; readonly tone: Tone } {
  return state === "waiting" ? { label: "Waiting", tone: "dull" } : stateLooks[state];
}

/** The target as a person would say it. */
export function describeTarget({ group, where, devices }: JobSummary["target"]): string {
  if (typeof group === "string") return `group ${group}`;
  if (typeof where === "string") return where;
  return Array.isArray(devices) ? devices.join(", ") : "all devices";
}

export function mayChange({ state }: Pick<JobSummary, "state">): boolean {
  return state === "running" || state === "paused";
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
