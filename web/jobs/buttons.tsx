import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { JobDocument } from "#api/job-routes";
import { client } from "../state/page-client.ts";
import { Confirm } from "../commands/confirm-dialog.tsx";
import { mayChange } from "./looks.ts";
import { t } from "../language/text.ts";

export interface JobProps {
  readonly job: JobDocument;
  /** Does something to it, and shows how it stands then, or what is wrong. */
  readonly attempt: (act: () => Promise<unknown>) => Promise<boolean>;
}

/** Pause, resume, cancel: what the job's state allows. */
export function JobButtons({ job, attempt }: JobProps): JSX.Element | null {
  const asking = useSignal(false);
  const answer = (yes: boolean): void => {
    asking.value = false;
    if (yes) void attempt(() => client.cancelJob(job.id));
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
          onClick={() => void attempt(() => (change === "pause" ? client.pauseJob(job.id) : client.resumeJob(job.id)))}
        >
          {change === "pause" ? t("Pause") : t("Resume")}
        </button>
      )}
      <button type="button" class="button" data-testid="job-cancel" onClick={() => (asking.value = true)}>
        {t("Cancel")}
      </button>
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
