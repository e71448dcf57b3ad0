import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { JobSummaryDocument } from "#api/job-routes";
import { listJobs, takeJobs } from "../state/job-state.ts";
import { client } from "../state/page-client.ts";
import { formatAgo } from "../format/format-duration.ts";
import { formatMoment } from "../format/moment.ts";
import { useTitle } from "../shell/title.ts";
import { generation } from "../state/live-state.ts";
import { now } from "../state/now.ts";
import { session } from "../state/session-state.ts";
import { CountsBar } from "./bar.tsx";
import { JobForm } from "./job-form.tsx";
import { JobsNav } from "./jobs-nav.tsx";
import { describeTarget } from "#api/target-text";
import { jobLooks } from "./looks.ts";

/** One command to many devices: the jobs there were, and a form for the next. */
export function JobsPage(): JSX.Element {
  useTitle("Jobs");
  return (
    <main class="page">
      <div class="page-head">
        <h1>Jobs</h1>
        <JobsNav here="/jobs" />
      </div>
      <div class="columns">
        <section aria-labelledby="job-form-title">
          <h2 id="job-form-title">Send to many</h2>
          {session.value?.role === "viewer" ? (
            <p class="hint">Your role, viewer, may watch but not send commands.</p>
          ) : (
            <JobForm />
          )}
        </section>
        <section aria-labelledby="job-list-title">
          <h2 id="job-list-title">Newest first</h2>
          <JobList />
        </section>
      </div>
    </main>
  );
}

function JobList(): JSX.Element {
  const problem = useSignal<string | undefined>(undefined);
  const fetched = useSignal(false);
  useEffect(() => {
    client.listJobs().then(
      ({ jobs }) => {
        takeJobs(jobs);
        fetched.value = true;
        problem.value = undefined;
      },
      (error: unknown) => (problem.value = error instanceof Error ? error.message : String(error)),
    );
  }, [generation.value]);
  const all = listJobs();
  if (problem.value) return <p class="refusal">{problem.value}</p>;
  if (all.length === 0) return <p class="hint">{fetched.value ? "No jobs yet." : "Loading…"}</p>;
  return (
    <ul class="commands" data-testid="jobs">
      {all.map((job) => (
        <JobItem key={job.id} job={job} />
      ))}
    </ul>
  );
}

function JobItem({ job }: { job: JobSummaryDocument }): JSX.Element {
  const { label, tone } = jobLooks(job);
  return (
    <li class="command job" data-testid={`job-${job.id}`} data-state={job.state} data-key={job.key}>
      <div class="job-head">
        <span class={`state ${tone}`}>{label}</span>
        <a class="job-name" href={`/jobs/${encodeURIComponent(job.id)}`}>
          <b>{job.key}</b> to {describeTarget(job.target)}
        </a>
        <span class="command-meta">
          <span>{job.by}</span>
          <time dateTime={new Date(job.ts).toISOString()} title={formatMoment(job.ts, now.value)}>
            {formatAgo(job.ts, now.value)}
          </time>
        </span>
      </div>
      <CountsBar counts={job.counts} />
      <p class="job-explain">{job.explain}</p>
    </li>
  );
}
