import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { JobSummaryDocument } from "#api/job-routes";
import { listJobs, takeJobs } from "../state/job-state.ts";
import { client } from "../state/page-client.ts";
import { useTitle } from "../shell/title.ts";
import { generation } from "../state/live-state.ts";
import { nextMoment } from "../state/newest.ts";
import { sentenceOf, useAnswer } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import { Chevron } from "../shell/icons.tsx";
import { folded, type Folded } from "./fold-runs.ts";
import { CountsBar } from "./bar.tsx";
import { JobForm } from "./job-form.tsx";
import { JobsNav } from "./jobs-nav.tsx";
import { targetInWords } from "./looks.ts";
import { jobLooks } from "./looks.ts";
import { Ago, ToldText } from "../format/when.tsx";
import { t } from "../language/text.ts";

/** One command to many devices: the jobs there were, and a form for the next. */
export function JobsPage(): JSX.Element {
  useTitle(t("Jobs"));
  return (
    <main class="page">
      <div class="page-head">
        <h1>{t("Jobs")}</h1>
        <JobsNav here="/jobs" />
      </div>
      <div class="columns">
        <section aria-labelledby="job-form-title">
          <h2 id="job-form-title">{t("Send to many")}</h2>
          {session.value?.role === "viewer" ? (
            <p class="hint">{t("Your role, viewer, may watch but not send commands.")}</p>
          ) : (
            <JobForm />
          )}
        </section>
        <section aria-labelledby="job-list-title">
          <h2 id="job-list-title">{t("Newest first")}</h2>
          <JobList />
        </section>
      </div>
    </main>
  );
}

function JobList(): JSX.Element {
  const { answer: schedules, problem } = useAnswer(async () => {
    const asked = nextMoment();
    // The newest of all have runs of schedules that are gone as well.
    const [own, all, known] = await Promise.all([
      client.listJobs({ schedule: "none" }),
      client.listJobs(),
      client.listSchedules(),
    ]);
    takeJobs([...own.jobs, ...all.jobs], asked);
    return known.schedules;
  }, [generation.value]);
  const all = folded(listJobs(), schedules.value ?? []);
  if (problem.value) return <p class="refusal">{problem.value}</p>;
  if (all.length === 0) return <p class="hint">{schedules.value ? t("No jobs yet.") : t("Loading…")}</p>;
  return (
    <ul class="commands" data-testid="jobs">
      {all.map((one) =>
        "runs" in one ? <ScheduleRuns key={one.id} folded={one} /> : <JobItem key={one.id} job={one} />,
      )}
    </ul>
  );
}

/** The runs of a schedule: the newest in a line, those that are remembered when asked for. */
function ScheduleRuns({ folded: { id, name, runs } }: { folded: Folded }): JSX.Element {
  const open = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  const [newest] = runs;
  const toggle = (): void => {
    open.value = !open.value;
    if (!open.value) return;
    const asked = nextMoment();
    client.listJobs({ schedule: id }).then(
      ({ jobs }) => takeJobs(jobs, asked),
      (error: unknown) => (problem.value = sentenceOf(error)),
    );
  };
  return (
    <li class="command job" data-testid={`runs-${name}`}>
      <div class="job-head">
        <button
          type="button"
          class="command-toggle"
          aria-expanded={open.value}
          aria-controls={`runs-${id}`}
          onClick={toggle}
        >
          <Chevron open={open.value} />
          {newest && <span class={`state ${jobLooks(newest).tone}`}>{jobLooks(newest).label}</span>}
          <span class="job-name">
            <b>{name}</b>
            {t(", by the clock")}
          </span>
        </button>
        <span class="command-meta">{newest && <Ago ts={newest.ts} />}</span>
      </div>
      {newest && !open.value && (
        <p class="job-explain">
          <ToldText text={newest.explain} />
        </p>
      )}
      {problem.value && <p class="refusal">{problem.value}</p>}
      <ul id={`runs-${id}`} hidden={!open.value}>
        {open.value && runs.map((job) => <JobItem key={job.id} job={job} />)}
      </ul>
    </li>
  );
}

function JobItem({ job }: { job: JobSummaryDocument }): JSX.Element {
  const { label, tone } = jobLooks(job);
  return (
    <li class="command job" data-testid={`job-${job.id}`} data-state={job.state} data-key={job.key}>
      <div class="job-head">
        <span class={`state ${tone}`}>{label}</span>
        <a class="job-name" href={`/jobs/${encodeURIComponent(job.id)}`}>
          <b>{job.key}</b> {t("to {target}", { target: targetInWords(job.target) })}
        </a>
        <span class="command-meta">
          <span>{job.by}</span>
          <Ago ts={job.ts} />
        </span>
      </div>
      <CountsBar counts={job.counts} />
      <p class="job-explain">
        <ToldText text={job.explain} />
      </p>
    </li>
  );
}
