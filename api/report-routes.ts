import * as z from "zod/mini";
import { about, limit, named, time } from "./document-schema.ts";
import type { Route } from "./route.ts";

const milliseconds = z.number();
const alertTally = {
  fired: z.number(),
  open: about(z.number(), "of these, those that are not over now"),
  median: about(z.nullable(milliseconds), "half of those that are over lasted at most so long; null where none is"),
};
const presence = {
  known: about(
    milliseconds,
    "of the time, added up over the devices, as much as is known: while the console was away nothing is",
  ),
  up: about(milliseconds, "of that, as much as they were there"),
  outages: about(z.number(), "times that they went, or had gone before"),
  longest: about(milliseconds, "the known time of the longest"),
};
const totals = {
  devices: z.number(),
  heard: about(z.number(), "of these, those of whom something is known"),
  ...presence,
  samples: z.object({
    stored: about(z.nullable(z.number()), "by counts once a day; null where there are none of that time"),
    setAside: z.nullable(z.number()),
    missing: about(z.number(), "samples that will never come"),
  }),
  alerts: z.object(alertTally),
  commands: z.object({
    sent: z.number(),
    succeeded: z.number(),
    failed: about(z.number(), "failed, rejected or interrupted"),
    late: about(z.number(), "nobody began them in time, or their caller had given up"),
    cancelled: z.number(),
    open: z.number(),
  }),
};

/** What was in a week, a month or another time. */
export const reportDocument = named(
  z.object({
    period: z.object({ kind: z.enum(["week", "month", "between"]), from: time, to: time, zone: z.string() }),
    made: time,
    group: z.nullable(z.string()),
    totals: z.object(totals),
    before: about(z.object(totals), "the same of the period before"),
    groups: about(z.array(z.object({ group: z.string(), ...totals })), "those that were there the least first"),
    devices: about(
      z.array(
        z.object({
          id: z.string(),
          name: z.nullable(z.string()),
          ...presence,
          away: about(z.boolean(), "whether it was away at the end"),
          missing: z.number(),
          alerts: z.number(),
          commandsFailed: z.number(),
        }),
      ),
      "the worst first",
    ),
    more: about(z.number(), "devices beyond these"),
    lost: about(
      z.array(z.object({ why: z.string(), samples: z.number(), devices: z.number() })),
      "why samples will not come",
    ),
    rules: about(z.array(z.object({ rule: z.string(), ...alertTally })), "the noisiest first"),
    open: about(
      z.array(
        z.object({
          id: z.string(),
          rule: z.string(),
          device: z.nullable(z.string()),
          title: z.string(),
          fired: time,
          forecast: about(z.boolean(), "whether its rule looks ahead"),
        }),
      ),
      "alerts that are not over now, what is forecast first",
    ),
    jobs: about(
      z.nullable(z.record(z.string(), z.number())),
      "jobs begun in this time, by their state; null of a group, and for whoever is limited to groups",
    ),
    agents: z.object({
      outdated: about(z.number(), "agents of another version than the console"),
      versions: z.array(z.object({ version: z.string(), devices: z.number() })),
    }),
    certificates: about(
      z.array(z.object({ device: z.string(), until: time })),
      "devices' certificates that end within 30 days",
    ),
  }),
  "Report",
);
export type ReportDocument = z.output<typeof reportDocument>;

const moment = z.optional(
  about(z.string().check(z.maxLength(60)), "epoch milliseconds, ISO 8601, now, or a duration ago such as -7d"),
);

/** Reports on what was. Whoever is limited to groups gets one of the devices in reach. */
export const reportRoutes = {
  getReport: {
    summary: "How the fleet was in a week, a month or any time between: availability, samples, alerts, commands",
    role: "viewer",
    params: z.object({ period: z.enum(["week", "month", "between"]) }),
    query: z.object({
      back: about(
        z._default(z.coerce.number().check(z.int(), z.gte(0), z.lte(60)), 1),
        "which one: 1 is the last that is over, 0 the one that is not",
      ),
      zone: about(
        z._default(z.string().check(z.maxLength(100)), "UTC"),
        "the time zone whose weeks and months are meant, such as Europe/Berlin",
      ),
      from: moment,
      to: moment,
      group: z.optional(z.string().check(z.maxLength(100))),
      limit: limit(500, 50),
    }),
    answers: { 200: reportDocument },
  },
} as const satisfies Record<string, Route>;
