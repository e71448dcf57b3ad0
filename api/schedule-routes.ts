import * as z from "zod/mini";
import { scheduledOrder } from "./job-routes.ts";
import { about, duration, named, time } from "./document-schema.ts";
import type { Route } from "./route.ts";

const missed = about(
  z.enum(["run", "tell"]),
  "what becomes of the newest run that was missed, while its window lasts: it is begun late, once, or only told",
);

const scheduleRun = z.object({
  due: about(time, "when it was due"),
  ts: about(time, "when that was decided"),
  state: z.enum(["begun", "missed", "refused"]),
  job: about(z.nullable(z.string()), "the job that it became"),
  why: about(z.nullable(z.string()), "why it was missed or refused, or begun late"),
});
export type ScheduleRunDocument = z.output<typeof scheduleRun>;

/** A schedule with what was, and what comes. */
const scheduleDocument = named(
  z.object({
    id: z.string(),
    name: z.string(),
    cron: about(z.string(), "minute, hour, day of the month, month, day of the week"),
    zone: about(z.string(), "the time zone that these are of"),
    window: about(z.number(), "milliseconds after its time in which a run may still begin"),
    missed,
    order: z.object({
      ...scheduledOrder.shape,
      ttl: z.number(),
      timeout: z.nullable(z.number()),
      abort: z.nullable(z.object({ failed: z.number(), min: z.number() })),
    }),
    by: z.string(),
    token: z.optional(
      about(
        z.object({ id: z.string(), name: z.string() }),
        "the token that made it: its runs are refused once that has ended",
      ),
    ),
    created: time,
    paused: about(z.nullable(z.object({ by: z.string(), ts: time })), "null while it is at work"),
    next: about(z.array(time), "when it is due next; in lists the first time alone"),
    last: z.nullable(scheduleRun),
  }),
  "Schedule",
);
export type ScheduleDocument = z.output<typeof scheduleDocument>;

const cron = z.string().check(z.maxLength(1_000));
const zone = z._default(
  about(z.string().check(z.maxLength(100)), "a time zone of the IANA's, such as Europe/Berlin"),
  "UTC",
);

const scheduleOrder = z.strictObject({
  name: z.string().check(z.maxLength(1_000)),
  cron: about(cron, "minute, hour, day of the month, month, day of the week: 0 3 * * 1-5"),
  zone,
  window: z._default(about(duration, "how long after its time a run may still begin; 7d at most"), "1h"),
  missed: z._default(missed, "run"),
  order: about(scheduledOrder, "what is sent, as a job has it"),
});
/** What somebody orders. */
export type ScheduleOrderDocument = z.input<typeof scheduleOrder>;
/** The same, checked and filled up. */
export type TakenScheduleOrder = z.output<typeof scheduleOrder>;

const params = z.object({ id: z.string().check(z.maxLength(64)) });
const one = { role: "operator", params, answers: { 200: scheduleDocument }, problems: [404] } as const;

/** Commands and jobs that are begun by the clock. Whoever is limited to groups sees and changes those that he has made. */
export const scheduleRoutes = {
  listSchedules: {
    summary: "Schedules, the oldest first",
    role: "viewer",
    answers: { 200: z.object({ schedules: z.array(scheduleDocument) }) },
  },
  createSchedule: {
    summary: "Have a command begun by the clock, on one device or many",
    role: "operator",
    body: scheduleOrder,
    answers: { 201: scheduleDocument },
    problems: [404, 422],
  },
  getSchedule: {
    summary: "A schedule, and what became of its times, the newest first",
    role: "viewer",
    params,
    answers: { 200: z.extend(scheduleDocument, { runs: z.array(scheduleRun) }) },
    problems: [404],
  },
  changeSchedule: {
    summary:
      "Have a schedule do something else, or at other times, from now on; it is yours then, with all that follows",
    role: "operator",
    params,
    body: scheduleOrder,
    answers: { 200: scheduleDocument },
    problems: [404, 422],
  },
  pauseSchedule: { summary: "Begin nothing of it for now; what is due meanwhile is not missed", ...one },
  resumeSchedule: { summary: "Begin it again from now on", ...one },
  removeSchedule: {
    summary: "Take a schedule away; jobs that it has become stay",
    role: "operator",
    params,
    answers: { 204: z.null() },
    problems: [404],
  },
  listTimes: {
    summary: "When a cron line is due next",
    role: "viewer",
    query: z.object({ cron, zone }),
    answers: { 200: z.object({ times: z.array(time) }) },
  },
} as const satisfies Record<string, Route>;
