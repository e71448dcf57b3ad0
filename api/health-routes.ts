import * as z from "zod/mini";
import type { Route } from "./route.ts";
import { about, limit, time } from "./document-schema.ts";

/** Whether the store takes samples: what the `store` event carries. */
export const storeDocument = z.object({
  ok: z.boolean(),
  problem: z.optional(about(z.string(), "what went wrong first")),
  since: z.optional(time),
  meanwhile: z.optional(about(z.string(), "where samples are kept as long as the store is away")),
  overload: z.optional(
    about(z.string(), "how many devices wait, and for how long, where more samples come than the store takes"),
  ),
  clock: z.optional(
    about(
      z.string(),
      "why the console does not believe its machine's clock, or which samples a wrong one has placed in the future",
    ),
  ),
});
export type StoreDocument = z.output<typeof storeDocument>;

export const spoolDocument = about(
  z.object({
    rows: z.number(),
    bytes: z.number(),
    limit: z.number(),
    refused: about(z.number(), "messages that were turned away, because it was full or could not be written"),
    problem: z.optional(z.string()),
  }),
  "messages of senders that keep nothing, on the console's disk until the store has them",
);

const faultsDocument = z.object({
  total: z.number(),
  places: z.array(z.object({ where: z.string(), count: z.number(), first: time, latest: time, error: z.string() })),
});

/** All but `ok` is for those who are logged in. */
const healthDocument = z.object({
  ok: z.boolean(),
  version: z.optional(z.string()),
  store: z.optional(storeDocument),
  spool: z.optional(spoolDocument),
  clock: z.optional(
    about(
      z.object({ state: z.enum(["trusted", "ahead", "behind"]), problem: z.optional(z.string()) }),
      "whether the console believes its machine's clock: ahead, nothing is deleted by age; behind, nothing is taken",
    ),
  ),
  rows: z.optional(
    about(
      z.object({
        ok: z.boolean(),
        problem: z.optional(z.string()),
        since: z.optional(time),
        waiting: about(z.number(), "rows that are kept in memory until the disk takes them"),
      }),
      "commands, devices and accounts on the console's own disk",
    ),
  ),
  syslog: z.optional(
    about(
      z.object({
        target: z.string(),
        ok: z.boolean(),
        problem: z.optional(z.string()),
        behind: about(z.number(), "entries that it does not have yet"),
        lost: about(z.number(), "entries that it will not have, since the console started: they are in the log"),
      }),
      "where the audit log is sent on to; no reason for `ok` to be false",
    ),
  ),
  broker: z.optional(z.object({ connected: z.boolean() })),
  damaged: z.optional(
    about(
      z.number(),
      "what in the data directory did not read, was gone or put back to an older copy: GET /api/damage",
    ),
  ),
  faults: z.optional(
    about(
      faultsDocument,
      "what was caught in Muster's own listeners and timers since it started: each is worth a report",
    ),
  ),
});
export type HealthDocument = z.output<typeof healthDocument>;

const damageDocument = z.object({
  ts: time,
  place: about(z.string(), "a file, or a table of muster.db"),
  name: about(z.string(), "which row, or under which name the file is kept"),
  why: z.string(),
});
/** Something in the console's data directory that was set aside, or is gone. */
export type DamageDocument = z.output<typeof damageDocument>;

/** How the console itself is. */
export const healthRoutes = {
  getHealth: {
    summary: "Whether the console, its store and its broker work",
    answers: { 200: healthDocument, 503: healthDocument },
  },
  getMetrics: {
    summary: "The console's own numbers, in Prometheus' text format",
    role: "viewer",
    answers: { 200: z.string() },
  },
  trustClock: {
    summary: "Say that the console's clock is right as it stands, where the console doubts it",
    role: "admin",
    fleet: true,
    answers: { 200: z.object({ state: z.literal("trusted") }) },
    problems: [409],
  },
  listDamage: {
    summary: "What in the data directory did not read and was set aside, was gone, or was put back to an older copy",
    role: "viewer",
    fleet: true,
    query: z.object({ limit: limit(1_000, 100) }),
    answers: { 200: z.object({ damaged: about(z.array(damageDocument), "newest first"), more: z.number() }) },
  },
  forgetDamage: {
    summary: "Forget what was damaged; the files that are kept stay",
    role: "admin",
    fleet: true,
    answers: { 200: z.object({ forgotten: z.number() }) },
  },
} as const satisfies Record<string, Route>;
