import { describeTarget } from "#api/target-text";
import type { JobDevice, JobSummaryDocument, JobTarget } from "#api/job-routes";
import { stateLooks } from "../commands/states.ts";
import { t, word } from "../language/text.ts";

type Tone = "wait" | "busy" | "good" | "bad" | "dull";

/** Whom a job is for. */
export function targetInWords(target: JobTarget): string {
  if ("group" in target) return t("group {name}", { name: target.group });
  if ("devices" in target && target.devices.length > 3)
    return t("{count} device|{count} devices", { count: target.devices.length });
  return "devices" in target || "where" in target ? describeTarget(target) : t("all devices");
}

/** What a job's state is called, and the colour it has. */
export function jobLooks({ state, counts }: JobSummaryDocument): { readonly label: string; readonly tone: Tone } {
  // Who takes no such command was not asked, and has not failed.
  const isWell = counts.succeeded + (counts.skipped ?? 0) === counts.total;
  const tones: Readonly<Record<JobSummaryDocument["state"], Tone>> = {
    running: "busy",
    paused: "wait",
    cancelled: "dull",
    aborted: "bad",
    done: isWell ? "good" : "bad",
  };
  const label = state === "done" && !isWell ? t("Done, not all") : capital(word(state));
  return { label, tone: tones[state] };
}

/** Whether a device takes no such command, and was sent nothing. */
export const wasSkipped = ({ state, command }: Pick<JobDevice, "state" | "command">): boolean =>
  state === "rejected" && command === null;

/** The same of one device's part. */
export function rowLooks(row: Pick<JobDevice, "state" | "command">): { readonly label: string; readonly tone: Tone } {
  if (row.state === "waiting") return { label: t("Waiting"), tone: "dull" };
  return wasSkipped(row) ? { label: t("Skipped"), tone: "dull" } : stateLooks[row.state];
}

export function mayChange({ state }: Pick<JobSummaryDocument, "state">): boolean {
  return state === "running" || state === "paused";
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
