import * as z from "zod/mini";
import type { Route } from "./route.ts";
import { about, duration, named, time } from "./document-schema.ts";

const groups = z.array(z.string().check(z.maxLength(64))).check(z.maxLength(100));
const name = z.string().check(z.minLength(1), z.maxLength(128));

export const enrollmentDocument = named(
  z.object({
    id: about(z.string(), "names the code, and opens nothing"),
    name: about(z.string(), "a device's id, or a template: {hostname}, {serial}, {mac}"),
    groups,
    uses: about(z.number(), "machines that it lets in"),
    used: about(z.number(), "those that it has let in"),
    again: about(z.boolean(), "for a device that is enrolled already: its old secret ends when it joins"),
    certificate: about(z.boolean(), "who comes in by it is given a certificate in place of a secret"),
    by: z.string(),
    created: time,
    expires: time,
    state: z.enum(["open", "used", "expired", "revoked"]),
    joined: z.array(z.object({ device: z.string(), ts: time, address: z.string() })),
  }),
  "Enrollment",
);
export type EnrollmentDocument = z.output<typeof enrollmentDocument>;

const madeEnrollment = z.object({
  enrollment: enrollmentDocument,
  code: about(z.string(), "what muster agent join takes; shown this once"),
  line: about(z.string(), "what to paste into a shell of the machine, where curl and Node are"),
  qr: about(z.array(z.string()), "the line as a QR code: rows of 1 for dark and 0 for light"),
  note: about(z.nullable(z.string()), "what to know of it"),
});
/** A code with its secret. */
export type MadeEnrollment = z.output<typeof madeEnrollment>;

const joinRequestDocument = named(
  z.object({
    id: z.string(),
    fingerprint: about(z.string(), "which the machine shows as well: let it in where both are the same"),
    address: z.string(),
    since: time,
    hostname: z.nullable(z.string()),
    serial: z.nullable(z.string()),
    mac: z.nullable(z.string()),
  }),
  "JoinRequest",
);
export type JoinRequestDocument = z.output<typeof joinRequestDocument>;
const params = z.object({ id: z.string().check(z.maxLength(64)) });

/** Codes by which machines come in by themselves, and those that ask without one. */
export const enrollmentRoutes = {
  createEnrollment: {
    summary:
      "Make a code by which machines come in by themselves; who is limited to groups makes them for devices of these alone",
    role: "operator",
    body: z.strictObject({
      name,
      groups: z.optional(groups),
      ttl: z.optional(about(duration, "how long the code is good for; 1h by default, 31d at most")),
      uses: z.optional(about(z.number(), "machines that it lets in; 1 by default")),
      again: z.optional(z.boolean()),
      certificate: z.optional(about(z.boolean(), "give who comes in by it a certificate in place of a secret")),
      origin: z.optional(about(z.string().check(z.maxLength(300)), "where the machines reach the console")),
    }),
    answers: { 201: madeEnrollment },
    problems: [404, 409],
  },
  listEnrollments: {
    summary: "The codes, the newest first, and who came in by each",
    role: "operator",
    answers: { 200: z.object({ enrollments: z.array(enrollmentDocument) }) },
  },
  revokeEnrollment: {
    summary: "Let nobody in by a code any more; who came in by it stays",
    role: "operator",
    params: z.object({ id: z.string().check(z.maxLength(64)) }),
    answers: { 204: z.null() },
    problems: [404],
  },
  listJoinRequests: {
    summary: "Machines that ask to come in without a code, the newest first",
    role: "operator",
    fleet: true,
    answers: { 200: z.object({ requests: z.array(joinRequestDocument) }) },
  },
  approveJoinRequest: {
    summary: "Let one in that asks: its fingerprint here has to be the one that it shows",
    role: "operator",
    fleet: true,
    params,
    body: z.strictObject({ name, groups: z.optional(groups) }),
    answers: { 200: z.object({ device: z.string() }) },
    problems: [404, 409],
  },
  denyJoinRequest: {
    summary: "Do not let one in that asks",
    role: "operator",
    fleet: true,
    params,
    answers: { 204: z.null() },
    problems: [404],
  },
} as const satisfies Record<string, Route>;
