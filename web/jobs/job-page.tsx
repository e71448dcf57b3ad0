import type { JSX } from "preact";
import { useRoute } from "preact-iso/router";
import type { JobDocument } from "#api/job-routes";
import { knownJobs } from "../state/job-state.ts";
import { client } from "../state/page-client.ts";
import { useAnswer } from "../state/use-answer.ts";
import { useTitle } from "../shell/title.ts";
import { generation } from "../state/live-state.ts";
import { session } from "../state/session-state.ts";
import { CountsBar } from "./bar.tsx";
import { JobButtons, type JobProps } from "./buttons.tsx";
import { targetInWords } from "./looks.ts";
import { jobLooks } from "./looks.ts";
import { JobDevicesTable } from "./job-devices.tsx";
import { Ago, ToldText } from "../format/when.tsx";
import { t } from "../language/text.ts";

/** One job: how far it is, and every device's part in it. */
export function JobPage(): JSX.Element {
  const id = useRoute().params["id"] ?? "";
  return <Known key={id} id={id} />;
}

function Known({ id }: { id: string }): JSX.Element {
  // An event tells that the job changed; the devices come with the job itself.
  const {
    answer: shown,
    problem,
    attempt,
  } = useAnswer(() => client.getJob(id), [id, knownJobs.value.get(id), generation.value]);
  useTitle(shown.value ? t("{key} to many", { key: shown.value.key }) : t("Job"));
  const job = shown.value;
  return (
    <main class="page" aria-busy={!job && !problem.value}>
      <nav aria-label={t("Breadcrumb")}>
        <a href="/jobs">{t("Jobs")}</a> <span aria-hidden="true">/</span>
      </nav>
      {problem.value && (
        <p class="refusal" role="alert">
          {problem.value}
        </p>
      )}
      {job && <Head job={job} attempt={attempt} />}
      {job && <JobDevicesTable rows={job.devices} />}
    </main>
  );
}

function Head({ job, attempt }: JobProps): JSX.Element {
  const { label, tone } = jobLooks(job);
  return (
    <header class="job-detail" data-testid="job" data-state={job.state}>
      <div class="page-head">
        <h1>{t("{key} to {target}", { key: job.key, target: targetInWords(job.target) })}</h1>
        <span class={`state ${tone}`}>{label}</span>
        {session.value?.role !== "viewer" && <JobButtons job={job} attempt={attempt} />}
      </div>
      <CountsBar counts={job.counts} />
      <p class="job-explain" data-testid="job-explain">
        <ToldText text={job.explain} />
      </p>
      <Facts job={job} />
    </header>
  );
}

function Facts({ job }: { job: JobDocument }): JSX.Element {
  const { id, by, ts, args, rate, canary, abort, gate } = job;
  const facts: (readonly [string, string | JSX.Element])[] = [
    ["id", id],
    [t("sent by"), by],
    [t("begun"), <Ago key="begun" ts={ts} />],
    [t("rate"), t("{rate} a second", { rate })],
    ...(Object.keys(args).length > 0 ? [[t("arguments"), JSON.stringify(args)] as const] : []),
    ...(canary > 0 ? [[t("canaries"), String(canary)] as const] : []),
    ...(gate === undefined ? [] : [[t("gate"), gate] as const]),
    ...(abort
      ? [
          [
            t("stops above"),
            t("{value} % failed, from {min} ended", { value: abort.failed * 100, min: abort.min }),
          ] as const,
        ]
      : []),
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
