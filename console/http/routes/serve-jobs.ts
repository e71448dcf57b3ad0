import type { ZodRoutes } from "../zod-routes.ts";
import type { PlannedDevice, TargetDevice } from "#api/job-routes";
import type { Device } from "../../devices/device.ts";
import type { Jobs, JobSummary } from "../../jobs/jobs.ts";
import { limitOf, askerOf } from "../auth.ts";
import type { Reach } from "../../jobs/target.ts";
import { toJobDevice, toJobRequest, toJobSummaryDocument, toPlannedDevice } from "../job-documents.ts";
import { listAnswer, maxPageLength, type Send } from "../list-pages.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";
import type { Steps } from "../turns.ts";

/** What the routes of jobs serve. */
export interface JobRoutes {
  readonly jobs: Jobs;
  readonly send: Send;
}

/** One command to many devices. */
export const serveJobs =
  ({ jobs, send }: JobRoutes): ZodRoutes =>
  async (app) => {
    const one = (id: string, reaches: Reach | undefined): Steps<Buffer> => {
      const found = jobs.open(id, reaches);
      if (!found) throw new HttpError(404, `there is no job "${id}"; GET /api/jobs lists them`);
      const before = toJobSummaryDocument(found.summary);
      return listAnswer({ list: "devices", items: found.rows, document: toJobDevice, before });
    };

    app.route({
      ...served("createJob"),
      handler: async (request, reply) => {
        const sender = { from: request.ip, reaches: limitOf(request) };
        const { id } = jobs.create(toJobRequest(request.body), askerOf(request).name, sender);
        await assertKept(jobs);
        reply.code(201).header("location", `/api/jobs/${id}`);
        return send(request, reply, one(id, limitOf(request)));
      },
    });

    app.route({
      ...served("planJob"),
      handler: (request, reply) => {
        const rows = jobs.plan(toJobRequest(request.body), limitOf(request)).map(toPlannedDevice);
        const counted = (verdict: PlannedDevice["verdict"]): number =>
          rows.filter((row) => row.verdict === verdict).length;
        const before = { now: counted("now"), waits: counted("waits"), refused: counted("refused") };
        return send(request, reply, listAnswer({ list: "devices", items: rows, document: (row) => row, before }));
      },
    });

    app.route({
      ...served("selectTargets"),
      handler: (request, reply) => {
        const { group, where } = request.query;
        if (group !== undefined && where !== undefined)
          throw new HttpError(400, "group and where exclude one another: ask for one of them");
        const target = group !== undefined ? { group } : where !== undefined ? { where } : { all: true as const };
        const document = ({ id: device, online, signers }: Device): TargetDevice => ({
          device,
          online,
          ...(signers ? { signers: [...signers] } : {}),
        });
        return send(
          request,
          reply,
          listAnswer({ list: "devices", items: jobs.select(target, limitOf(request)), document }),
        );
      },
    });

    app.route({
      ...served("listJobs"),
      handler: (request, reply) => {
        const { limit: most, before, schedule } = request.query;
        const isRunOf = (job: JobSummary): boolean => (job.schedule?.id ?? "none") === schedule;
        const steps = listAnswer({
          list: "jobs",
          items: jobs.walk(before, limitOf(request)),
          only: (job) => schedule === undefined || isRunOf(job),
          document: toJobSummaryDocument,
          most,
          room: maxPageLength,
          after: ({ last, more }) => ({ next: more ? last?.id : null }),
        });
        return send(request, reply, steps);
      },
    });

    app.route({
      ...served("getJob"),
      handler: async (request, reply) => send(request, reply, one(request.params.id, limitOf(request))),
    });

    app.route({
      ...served("pauseJob"),
      handler: async (request, reply) => {
        const { id } = jobs.pause(request.params.id, askerOf(request).name, limitOf(request));
        await assertKept(jobs);
        return send(request, reply, one(id, limitOf(request)));
      },
    });

    app.route({
      ...served("resumeJob"),
      handler: async (request, reply) => {
        const { id } = jobs.resume(request.params.id, limitOf(request));
        await assertKept(jobs);
        return send(request, reply, one(id, limitOf(request)));
      },
    });

    app.route({
      ...served("cancelJob"),
      handler: async (request, reply) => {
        const { id } = jobs.cancel(request.params.id, askerOf(request).name, limitOf(request));
        await assertKept(jobs);
        return send(request, reply, one(id, limitOf(request)));
      },
    });
  };

/** What a power cut could take back must not be told. */
async function assertKept(jobs: Jobs): Promise<void> {
  if (await jobs.kept()) return;
  throw new HttpError(
    503,
    "the console's own disk takes no writes: make room on it; what was asked for is done as soon as it does",
  );
}
