import * as z from "zod/mini";
import type { Route } from "./route.ts";
import { about, limit, nextPlace, placeInList, time } from "./document-schema.ts";

const auditEntryDocument = z.object({
  n: about(z.number(), "grows by one with each entry; a hole is explained by the entry after it"),
  ts: time,
  who: about(z.string(), "the account, the device, or `console`; on the command line the machine's user"),
  from: about(z.string(), "an address; `cli` for a command that worked on the data directory, `mqtt`, `job`"),
  what: about(z.string(), "a dotted word: device.enrolled"),
  on: about(z.string(), "what it was done to"),
  result: about(z.string(), "ok, refused, or what became of it"),
  detail: z.record(z.string(), z.unknown()),
  prev: about(z.string(), "the hash of the entry before"),
  hash: about(z.string(), "SHA-256 of the entry as JSON without this member, in hex"),
});
/** Something that somebody did, or tried to do. */
export type AuditEntryDocument = z.output<typeof auditEntryDocument>;

const auditHead = z.nullable(z.object({ n: z.number(), hash: z.string() }));
const verdictDocument = z.object({
  entries: z.number(),
  first: z.nullable(z.number()),
  head: about(auditHead, "the last entry: note it elsewhere, and whoever cuts the log is found"),
  problems: about(z.array(z.string()), "entries that were changed, taken out, put in or cut off"),
  notes: about(z.array(z.string()), "what the log itself explains"),
});
/** What a look at the whole chain has found. */
export type AuditVerdictDocument = z.output<typeof verdictDocument>;

const word = z.optional(z.string().check(z.maxLength(200)));
const moment = z.optional(
  about(z.coerce.number() as z.ZodMiniType<number, number>, "milliseconds since 1970-01-01 UTC"),
);

export const auditRoutes = {
  listAudit: {
    summary: "Who did what: the audit log, newest first",
    role: "admin",
    fleet: true,
    query: z.object({
      limit: limit(1_000, 100),
      before: placeInList("entries before this one"),
      since: moment,
      until: moment,
      who: word,
      what: about(word, "the whole word, or its beginning up to a dot"),
      device: about(word, "done to it, or by it"),
      text: about(word, "anywhere in an entry"),
    }),
    answers: {
      200: z.object({ head: auditHead, entries: z.array(auditEntryDocument), next: nextPlace }),
    },
  },
  verifyAudit: {
    summary: "Look at the whole audit log: whether each entry is as it was written, and follows the one before",
    role: "admin",
    fleet: true,
    query: z.object({
      n: z.optional(about(z.coerce.number() as z.ZodMiniType<number, number>, "an entry that was noted before")),
      hash: z.optional(about(z.string().check(z.maxLength(64)), "its hash")),
    }),
    answers: { 200: verdictDocument },
  },
  exportAudit: {
    summary: "The audit log as JSON lines, oldest first, each as its hash was made over it",
    role: "admin",
    fleet: true,
    query: z.object({
      after: z.optional(about(z.coerce.number() as z.ZodMiniType<number, number>, "only entries with greater numbers")),
      limit: z.optional(about(z.coerce.number() as z.ZodMiniType<number, number>, "entries at most; all unless given")),
    }),
    answers: { 200: z.string() },
  },
} as const satisfies Record<string, Route>;
