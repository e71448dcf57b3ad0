import type { ZodRoutes } from "../zod-routes.ts";
import type { FastifyRequest } from "fastify";
import type { ScheduleDocument, TakenScheduleOrder } from "#api/schedule-routes";
import { parseDuration } from "#shared/duration";
import type { Accounts } from "../../accounts/accounts.ts";
import type { Jobs } from "../../jobs/jobs.ts";
import { cronTimes, nextTimes } from "../../schedules/cron-times.ts";
import type { Schedule, ScheduleOrder } from "../../schedules/schedule.ts";
import { maxNextShown, maxWindow, type ScheduleMaker, type Schedules } from "../../schedules/schedules.ts";
import { changing } from "../audited-routes.ts";
import { askerOf, limitOf, loginIn } from "../auth.ts";
import { toJobRequest } from "../job-documents.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** What the routes of schedules serve. */
export interface ScheduleRoutes {
  readonly schedules: Schedules;
  readonly jobs: Pick<Jobs, "select" | "kept">;
  readonly accounts: Pick<Accounts, "madeAt" | "tokens">;
  readonly now: () => number;
}

/** Commands and jobs that are begun by the clock. */
export const serveSchedules =
  ({ schedules, jobs, accounts, now }: ScheduleRoutes): ZodRoutes =>
  async (app) => {
    /**
     * Of a schedule nobody can tell which devices it will mean: whoever is limited to groups has his own alone, and of these those that are limited
     * to no others. A token that its owner has limited is not to do by a schedule what it may not do itself.
     */
    const maySee = (request: FastifyRequest, { by, account, limit }: Schedule): boolean => {
      const { name, groups } = askerOf(request);
      if (groups === undefined) return true;
      return by === name && account === accounts.madeAt(name) && !!limit?.every((group) => groups.includes(group));
    };
    const document = (schedule: Schedule, count?: number): ScheduleDocument => {
      const { handled: _, limit: __, account: ___, order, ...rest } = schedule;
      const [last = null] = schedules.runs(schedule.id);
      return {
        ...rest,
        order: { ...order } as ScheduleDocument["order"],
        next: [...schedules.next(schedule, count)],
        last,
      };
    };
    const found = (request: FastifyRequest, id: string): Schedule => {
      const schedule = schedules.find(id);
      if (schedule && maySee(request, schedule)) return schedule;
      throw new HttpError(404, `there is no schedule "${id}"; GET /api/schedules lists them`);
    };
    const told = async (id: string): Promise<ScheduleDocument> => {
      const schedule = schedules.find(id);
      if (!schedule) throw new HttpError(404, `there is no schedule "${id}" any more`);
      if (await jobs.kept()) return document(schedule);
      throw new HttpError(503, "the console's own disk takes no writes: make room on it");
    };

    app.route({
      ...served("listSchedules"),
      handler: async (request) => ({
        schedules: schedules
          .list()
          .filter((schedule) => maySee(request, schedule))
          .map((schedule) => document(schedule, 1)),
      }),
    });

    app.route({
      ...served("createSchedule"),
      handler: async (request, reply) => {
        const order = toOrder(request.body);
        // Whom nobody is meant by yet, a group that comes to be, is said now and not in the night.
        jobs.select(order.order.target, limitOf(request));
        const { schedule, done } = changing(request, () => schedules.create(order, makerIn(request, accounts)));
        done();
        reply.code(201).header("location", `/api/schedules/${schedule.id}`);
        return told(schedule.id);
      },
    });

    app.route({
      ...served("getSchedule"),
      handler: async (request) => {
        const schedule = found(request, request.params.id);
        return { ...document(schedule), runs: [...schedules.runs(schedule.id)] };
      },
    });

    app.route({
      ...served("changeSchedule"),
      handler: async (request) => {
        const schedule = found(request, request.params.id);
        const order = toOrder(request.body);
        jobs.select(order.order.target, limitOf(request));
        changing(request, () => schedules.change(schedule, order, makerIn(request, accounts)))();
        return told(schedule.id);
      },
    });

    app.route({
      ...served("pauseSchedule"),
      handler: async (request) => {
        const schedule = found(request, request.params.id);
        changing(request, () => schedules.pause(schedule, askerOf(request).name))();
        return told(schedule.id);
      },
    });

    app.route({
      ...served("resumeSchedule"),
      handler: async (request) => {
        const schedule = found(request, request.params.id);
        changing(request, () => schedules.resume(schedule))();
        return told(schedule.id);
      },
    });

    app.route({
      ...served("removeSchedule"),
      handler: async (request, reply) => {
        const schedule = found(request, request.params.id);
        changing(request, () => schedules.remove(schedule))();
        reply.code(204);
        return null;
      },
    });

    app.route({
      ...served("listTimes"),
      handler: async ({ query: { cron, zone } }) => ({
        times: [...nextTimes(cronTimes(cron, zone), now(), maxNextShown)],
      }),
    });
  };

/** The command line of the console's machine stands for its administrator: its token is another one after each start. */
function makerIn(request: FastifyRequest, accounts: ScheduleRoutes["accounts"]): ScheduleMaker {
  const { principal, kind, local, token: id } = loginIn(request);
  const { name: by, role, groups: limit } = principal;
  const used = kind === "token" && !local ? accounts.tokens.list(by).find((token) => token.id === id) : undefined;
  return {
    by,
    account: accounts.madeAt(by),
    admin: role === "admin" && limit === undefined,
    ...(used ? { token: { id: used.id, name: used.name || used.id } } : {}),
    ...(limit ? { limit } : {}),
  };
}

function toOrder({ order, window, ...rest }: TakenScheduleOrder): ScheduleOrder {
  return { ...rest, window: parseDuration(window, "window", maxWindow), order: toJobRequest(order) };
}
