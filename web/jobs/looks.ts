import type { JobDevice, JobSummaryDocument } from "#api/job-routes";
import { stateLooks } from "../commands/states.ts";
import { t } from "../language/text.ts";

type Tone = "wait" | "busy" | "good" | "bad" | "dull";

/** What a job's state is called, and the colour it has. */
export function jobLooks({ state, counts }: JobSummaryDocument): { readonly label: string; readonly tone: Tone } {
  const tones: Readonly<Record<JobSummaryDocument["state"], Tone>> = {
    running: "busy",
    paused: "wait",
    cancelled: "dull",
    aborted: "bad",
    done: counts.succeeded === counts.total ? "good" : "bad",
  };
  const label = state === "done" && counts.succeeded < counts.total ? t("Done, not all") : capital(state);
  return { label, tone: tones[state] };
}

/** The same of one device's part. */
export function rowLooks(state: JobDevice["state"]): { readonly label: string; readonly tone: Tone } {
  return state === "waiting" ? { label: t("Waiting"), tone: "dull" } : stateLooks[state];
}

export function mayChange({ state }: Pick<JobSummaryDocument, "state">): boolean {
  return state === "running" || state === "paused";
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
