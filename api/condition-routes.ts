import * as z from "zod/mini";
import type { Route } from "./route.ts";
import { about, time } from "./document-schema.ts";
import { spoolDocument, storeDocument } from "./health-routes.ts";

const troubleDocument = z.object({
  what: about(z.string(), "which part of Muster"),
  grave: about(z.boolean(), "whether something is lost or does not work; otherwise it is to be known"),
  says: about(z.string(), "what is wrong, as a sentence"),
  advice: about(z.string(), "what to do about it"),
  since: z.optional(time),
});

const conditionDocument = z.object({
  now: time,
  started: about(z.number(), "when the console was started, in milliseconds since 1970-01-01 UTC"),
  version: z.string(),
  node: z.string(),
  system: about(z.string(), "operating system and processor"),
  troubles: about(z.array(troubleDocument), "what is to be seen to, the gravest first; empty where all is well"),
  broker: z.object({ kind: z.enum(["embedded", "external"]), connected: z.boolean() }),
  store: z.object({
    kind: z.enum(["embedded", "influxdb"]),
    health: storeDocument,
    kept: z.optional(
      about(
        z.array(
          z.object({
            step: about(z.number(), "milliseconds of which each has one value; 0 of samples"),
            since: about(z.nullable(time), "the oldest; null where there is none"),
            bytes: z.number(),
            age: about(z.number(), "milliseconds that they are kept at most, if there is room"),
          }),
        ),
        "what the embedded store keeps, from samples to the longest steps, as it was a minute ago at most",
      ),
    ),
  }),
  spool: spoolDocument,
  ingest: z.object({
    window: about(z.number(), "batches being written right now"),
    waitingBytes: about(z.number(), "bytes of batches that wait for their turn"),
    overload: z.optional(z.string()),
  }),
  devices: z.object({ known: z.number(), online: z.number() }),
  memory: z.object({
    rss: about(z.number(), "bytes of the console's process"),
    heap: about(z.number(), "bytes of it that are objects"),
    machine: about(z.number(), "bytes of the whole machine"),
    free: about(z.number(), "bytes of it that nobody uses"),
  }),
  disk: z.nullable(
    z.object({ directory: z.string(), free: about(z.number(), "bytes"), size: about(z.number(), "bytes") }),
  ),
  files: about(
    z.array(z.object({ name: z.string(), bytes: about(z.number(), "with its log") })),
    "databases in the data directory",
  ),
  clock: z.object({ state: z.enum(["trusted", "ahead", "behind"]), problem: z.optional(z.string()) }),
  backup: about(
    z.nullable(z.object({ ts: time, by: z.string(), file: z.string() })),
    "the newest that muster backup has made, as the audit log says; null where it knows of none",
  ),
  certificates: z.array(z.object({ name: z.string(), until: about(z.number(), "when it ends") })),
  audit: z.object({
    entries: about(z.number(), "the number of the newest entry"),
    syslog: z.nullable(z.object({ target: z.string(), ok: z.boolean(), behind: z.number(), lost: z.number() })),
  }),
  damaged: z.number(),
  faults: z.number(),
  past: about(
    z.object({ times: z.array(z.number()), numbers: z.record(z.string(), z.array(z.nullable(z.number()))) }),
    "what the console has measured of itself in the last hour, as docs/self.md says, and cpu: per cent of one processor",
  ),
});
export type ConditionDocument = z.output<typeof conditionDocument>;

/** How Muster itself is, for people. */
export const conditionRoutes = {
  getCondition: {
    summary: "How Muster itself is: its parts, its troubles with what to do, and its last hour in numbers",
    role: "viewer",
    fleet: true,
    answers: { 200: conditionDocument },
  },
} as const satisfies Record<string, Route>;
