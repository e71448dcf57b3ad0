import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import { parseDuration } from "#shared/duration";
import { json } from "#shared/messages/schema";
import type { Console } from "../../console.ts";
import {
  abortRule,
  jobDocument,
  jobSummaryDocument,
  jobTarget,
  toJobDeviceDocument,
  toJobSummaryDocument,
} from "../../jobs/document.ts";
import type { JobOrder } from "../../jobs/job.ts";
import { isExact, sendAsText } from "#shared/whole-numbers";
import { allow, principalOf } from "../auth.ts";
import { problemDocument } from "../documents.ts";
import { listAnswer, longestPage, type Send } from "../pages.ts";
import { HttpError } from "../problem.ts";
import type { Steps } from "../turns.ts";

const duration = z
  .union([z.number(), z.string()])
  .describe('a number of milliseconds, or text with its unit: "5s", "1h30m"');
const order = z.object({
  key: z.string().min(1).max(64),
  args: z.record(z.string(), json).refine(isExact, sendAsText).default({}),
  target: jobTarget,
  rate: z.number().min(0.01).max(1_000).default(10).describe("commands a second at most"),
  canary: z.number().int().min(0).default(0).describe("devices that go first; the rest follows if they fare well"),
  abort: abortRule.optional(),
  ttl: duration.default("1h").describe("how long each command may wait for its device"),
  timeout: duration.optional().describe("how long a device may take, from being sent to while online"),
});

const params = z.object({ id: z.string().max(64) });

/** One command to many devices. */
export const jobRoutes =
  (console: Console, send: Send): FastifyPluginAsyncZod =>
  async (app) => {
    const viewer = allow("viewer");
    const operator = allow("operator");
    const one = (id: string): Steps<Buffer> => {
      const found = console.jobs.open(id);
      if (!found) throw new HttpError(404, `there is no job "${id}"; GET /api/jobs lists them`);
      const before = toJobSummaryDocument(found.summary);
      return listAnswer({ list: "devices", items: found.rows, document: toJobDeviceDocument, before });
    };
    const answers = { 200: jobDocument, 404: problemDocument, 409: problemDocument };

    app.post(
      "/api/jobs",
      {
        schema: {
          summary: "Send one command to many devices",
          body: order,
          response: { 201: jobDocument, 400: problemDocument, 404: problemDocument, 422: problemDocument },
        },
        preParsing: operator,
      },
      async (request, reply) => {
        const { id } = console.jobs.create(toOrder(request.body), principalOf(request).name);
        await assertKept(console);
        reply.code(201).header("location", `/api/jobs/${id}`);
        return send(request, reply, one(id));
      },
    );

    app.get(
      "/api/jobs",
      {
        schema: {
          summary: "Jobs without their devices, newest first",
          querystring: z.object({
            limit: z.coerce.number().int().min(1).max(1_000).default(100),
            before: z
              .string()
              .max(64)
              .optional()
              .describe("only what was begun before this one: `next` of the answer before"),
          }),
          response: {
            200: z.object({
              jobs: z.array(jobSummaryDocument).describe("fewer than the limit where there is no more room"),
              next: z.string().nullable().describe("where the next page begins; null where there is none"),
            }),
          },
        },
        preParsing: viewer,
      },
      (request, reply) => {
        const { limit: most, before } = request.query;
        const steps = listAnswer({
          list: "jobs",
          items: console.jobs.walk(before),
          document: toJobSummaryDocument,
          most,
          room: longestPage,
          after: ({ last, more }) => ({ next: more ? last?.id : null }),
        });
        return send(request, reply, steps);
      },
    );

    app.get(
      "/api/jobs/:id",
      { schema: { summary: "One job with its devices", params, response: answers }, preParsing: viewer },
      async (request, reply) => send(request, reply, one(request.params.id)),
    );

    app.post(
      "/api/jobs/:id/pause",
      { schema: { summary: "Send nothing more for now", params, response: answers }, preParsing: operator },
      async (request, reply) => {
        const { id } = console.jobs.pause(request.params.id, principalOf(request).name);
        await assertKept(console);
        return send(request, reply, one(id));
      },
    );

    app.post(
      "/api/jobs/:id/resume",
      { schema: { summary: "Go on with a paused job", params, response: answers }, preParsing: operator },
      async (request, reply) => {
        const { id } = console.jobs.resume(request.params.id);
        await assertKept(console);
        return send(request, reply, one(id));
      },
    );

    app.delete(
      "/api/jobs/:id",
      {
        schema: { summary: "Cancel a job and withdraw its commands", params, response: answers },
        preParsing: operator,
      },
      async (request, reply) => {
        const { id } = console.jobs.cancel(request.params.id, principalOf(request).name);
        await assertKept(console);
        return send(request, reply, one(id));
      },
    );
  };

/** What a power cut could take back must not be told. */
async function assertKept(console: Console): Promise<void> {
  if (await console.jobs.kept()) return;
  throw new HttpError(
    503,
    "the console's own disk takes no writes: make room on it; what was asked for is done as soon as it does",
  );
}

function toOrder({ ttl, timeout, abort, ...body }: z.infer<typeof order>): JobOrder {
  return {
    ...body,
    abort: abort ?? null,
    ttl: parseDuration(ttl, "ttl"),
    timeout: timeout === undefined ? null : parseDuration(timeout, "timeout"),
  };
}
