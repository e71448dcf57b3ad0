import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { JobDocument } from "#api/job-routes";
import { client } from "../state/page-client.ts";
import { Confirm } from "../commands/confirm-dialog.tsx";
import { mayChange } from "./looks.ts";
import { t } from "../language/text.ts";

/** Pause, resume, cancel: what the job's state allows. */
export function JobButtons({
  job,
  onChanged,
}: {
  job: JobDocument;
  onChanged: (job: JobDocument) => void;
}): JSX.Element | null {
  const problem = useSignal<string | undefined>(undefined);
  const asking = useSignal(false);
  const act = async (change: Promise<JobDocument>): Promise<void> => {
    try {
      onChanged(await change);
      problem.value = undefined;
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  const answer = (yes: boolean): void => {
    asking.value = false;
    if (yes) void act(client.cancelJob(job.id));
  };
  if (!mayChange(job) && job.counts.sent === 0) return null;
  const change = job.state === "paused" ? "resume" : "pause";
  return (
    <span class="job-buttons">
      {mayChange(job) && (
        <button
          type="button"
          class="button"
          data-testid={`job-${change}`}
          onClick={() => void act(change === "pause" ? client.pauseJob(job.id) : client.resumeJob(job.id))}
        >
          {change === "pause" ? t("Pause") : t("Resume")}
        </button>
      )}
      <button type="button" class="button" data-testid="job-cancel" onClick={() => (asking.value = true)}>
        {t("Cancel")}
      </button>
      {problem.value && (
        <span class="bad" role="alert">
          {problem.value}
        </span>
      )}
      {asking.value && (
        <Confirm
          question={t("Cancel {key}?", { key: job.key })}
          consequence={t(
            "{waiting} waiting never get it, {sent} open commands are withdrawn. What has ended stays as it is.",
            { waiting: job.counts.waiting, sent: job.counts.sent },
          )}
          action={t("Cancel the job")}
          onAnswer={answer}
        />
      )}
    </span>
  );
}
