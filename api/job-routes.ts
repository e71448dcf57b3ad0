import * as z from "zod/mini";
import { commandStates } from "#shared/command-states";
import { signature } from "#shared/messages/command-signature";
import { json } from "#shared/messages/payload-schema";
import { maxFilterLength } from "#shared/filter/filter-tokens";
import { commandArgs, orderedKey } from "./command-routes.ts";
import type { Route } from "./route.ts";
import { whereText } from "./where-text.ts";
import { about, duration, limit, named, nextPlace, placeInList, time, timeOrNull } from "./document-schema.ts";

const jobCounts = z.object({
  total: z.number(),
  waiting: z.number(),
  sent: about(z.number(), "sent and not ended"),
  succeeded: z.number(),
  failed: about(z.number(), "failed, interrupted, rejected, expired or timed out"),
  skipped: z.optional(
    about(z.number(), "of those that failed, the ones that take no such command, and were sent nothing"),
  ),
  cancelled: about(z.number(), "withdrawn, or never sent"),
  states: about(z.record(z.string(), z.number()), "the same by each state that occurs"),
});
export type JobCounts = z.output<typeof jobCounts>;

const jobTarget = z.union(
  [
    z.strictObject({ all: z.literal(true) }),
    z.strictObject({ devices: z.array(z.string()).check(z.maxLength(10_000)) }),
    z.strictObject({ group: z.string() }),
    z.strictObject({ where: whereText }),
  ],
  { error: 'expected {"all": true}, {"devices": ["rpi-7"]}, {"group": "lab"} or {"where": "os=linux"}' },
);
export type JobTarget = z.output<typeof jobTarget>;

const abortRule = z.strictObject({
  failed: about(z.number().check(z.gte(0), z.lte(1)), "the share of ended devices that may fail"),
  min: z._default(about(z.int().check(z.gte(1)), "ended devices before the share counts"), 1),
});

const jobSignature = z.omit(signature, { job: true });

/** A job without its devices: in lists and events. */
export const jobSummaryDocument = named(
  z.object({
    id: z.string(),
    key: z.string(),
    args: z.record(z.string(), json),
    by: z.string(),
    ts: time,
    schedule: z.optional(
      about(
        z.object({ id: z.string(), name: z.string() }),
        "what has begun it by the clock; left out where a person has",
      ),
    ),
    state: z.enum(["running", "paused", "cancelled", "aborted", "done"]),
    why: z.optional(z.string()),
    ended: z.optional(time),
    target: jobTarget,
    rate: about(z.number(), "commands a second at most"),
    canary: z.number(),
    abort: z.nullable(abortRule),
    gate: z.optional(about(z.string(), "what has to hold of the devices that were served")),
    ttl: about(z.number(), "milliseconds that each command may wait for its device"),
    timeout: about(z.nullable(z.number()), "milliseconds that a device may take"),
    signature: z.optional(about(jobSignature, "a person's word for it")),
    counts: jobCounts,
    explain: about(z.string(), "one sentence: what it waits for, and who acts next"),
  }),
  "JobSummary",
);
export type JobSummaryDocument = z.output<typeof jobSummaryDocument>;

const jobDevice = z.object({
  device: z.string(),
  state: z.enum(["waiting", ...commandStates]),
  canary: z.boolean(),
  command: about(z.nullable(z.string()), "the id of the command that it was sent"),
  sent: timeOrNull,
  ended: timeOrNull,
  outcome: about(z.nullable(z.string()), "the result in a line, or why there is none"),
  progress: z.optional(z.number()),
});
export type JobDevice = z.output<typeof jobDevice>;

export const jobDocument = named(z.extend(jobSummaryDocument, { devices: z.array(jobDevice) }), "Job");
export type JobDocument = z.output<typeof jobDocument>;

const ordered = {
  key: orderedKey,
  args: z._default(commandArgs, {}),
  target: jobTarget,
  rate: z._default(about(z.number().check(z.gte(0.01), z.lte(1_000)), "commands a second at most"), 10),
  canary: z._default(about(z.int().check(z.gte(0)), "devices that go first; the rest follows if they fare well"), 0),
  abort: z.optional(abortRule),
  gate: z.optional(
    about(
      z.string().check(z.maxLength(maxFilterLength)),
      "goes on only while this holds of the devices that were served, and has them go back where it does not: mem.used_percent < 80 for 5m",
    ),
  ),
  ttl: z._default(about(duration, "how long each command may wait for its device"), "1h"),
  timeout: z.optional(about(duration, "how long a device may take, from being sent to while online")),
} as const;

/** What a schedule has done each time. */
export const scheduledOrder = z.strictObject(ordered);
export type TakenScheduledOrder = z.output<typeof scheduledOrder>;

const jobOrder = z.strictObject({
  ...ordered,
  id: z.optional(about(z.string().check(z.regex(/^[a-z0-9]{16,40}$/)), "an id of your own, which a signature is for")),
  signature: z.optional(
    about(jobSignature, "a person's word for it, on all the devices of its target, which has to be a list: `devices`"),
  ),
});
/** What somebody orders. */
export type JobOrder = z.input<typeof jobOrder>;
/** The same, checked and filled up. */
export type TakenJobOrder = z.output<typeof jobOrder>;

const params = z.object({ id: z.string().check(z.maxLength(64)) });
const one = { params, answers: { 200: jobDocument }, problems: [404, 409] } as const;

/** What a target comes to at present. */
const targetDevice = z.object({
  device: z.string(),
  online: z.boolean(),
  signers: z.optional(
    about(
      z.array(z.string()),
      "ids of the keys by which its commands have to be signed; left out where they need not be",
    ),
  ),
});
export type TargetDevice = z.output<typeof targetDevice>;

const plannedDevice = z.object({
  device: z.string(),
  name: z.optional(z.string()),
  online: z.boolean(),
  canary: z.boolean(),
  verdict: about(
    z.enum(["now", "waits", "refused"]),
    "sent to at once, when it is there within the ttl, or not at all",
  ),
  why: about(z.nullable(z.string()), "why it is refused, or not there"),
});
export type PlannedDevice = z.output<typeof plannedDevice>;

export const jobRoutes = {
  planJob: {
    summary: "What a job would come to now, device by device; nothing is sent",
    role: "operator",
    body: jobOrder,
    answers: {
      200: z.object({
        now: about(z.number(), "devices that would be sent to at once"),
        waits: about(z.number(), "devices that are not there and would be waited for"),
        refused: about(z.number(), "devices that would not be sent to"),
        devices: about(z.array(plannedDevice), "in the order in which they would be served"),
      }),
    },
    problems: [404, 422],
  },
  selectTargets: {
    summary:
      "The devices that a job would go to, in its order: for who signs their list; all where nothing is asked for",
    role: "operator",
    query: z.object({
      group: z.optional(z.string().check(z.maxLength(64))),
      where: z.optional(whereText),
    }),
    answers: { 200: z.object({ devices: z.array(targetDevice) }) },
    problems: [404, 422],
  },
  createJob: {
    summary: "Send one command to many devices",
    role: "operator",
    body: jobOrder,
    answers: { 201: jobDocument },
    problems: [404, 422],
  },
  listJobs: {
    summary: "Jobs without their devices, newest first",
    role: "viewer",
    query: z.object({
      limit: limit(1_000, 100),
      before: placeInList("what was begun before this one"),
      schedule: z.optional(
        about(
          z.string().check(z.maxLength(64)),
          "only the runs of this schedule; `none`: only what no schedule has begun",
        ),
      ),
    }),
    answers: {
      200: z.object({
        jobs: about(z.array(jobSummaryDocument), "fewer than the limit where there is no more room"),
        next: nextPlace,
      }),
    },
  },
  getJob: { summary: "One job with its devices", role: "viewer", ...one },
  pauseJob: { summary: "Send nothing more for now", role: "operator", ...one },
  resumeJob: { summary: "Go on with a paused job", role: "operator", ...one },
  cancelJob: { summary: "Cancel a job and withdraw its commands", role: "operator", ...one },
} as const satisfies Record<string, Route>;
