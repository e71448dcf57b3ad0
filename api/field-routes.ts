import * as z from "zod/mini";
import type { Route } from "./route.ts";
import { about, time } from "./document-schema.ts";

export const fieldType = z.enum(["float", "integer", "string", "boolean"]);
const name = z.string().check(z.minLength(1), z.maxLength(1_000));

const conflictDocument = z.object({
  measurement: z.string(),
  field: z.string(),
  type: about(fieldType, "what is stored at present"),
  how: about(
    z.enum(["first", "store", "settled", "declared", "shipped"]),
    "why: first (a device sent it first), store (InfluxDB holds it so), settled, declared or shipped",
  ),
  first: z.optional(about(z.string(), "the device that sent it first")),
  since: z.optional(time),
  held: z.array(
    z.object({
      device: z.string(),
      got: about(z.string(), "what the values are"),
      sample: z.string(),
      values: about(z.number(), "values on the console's disk"),
      dropped: about(z.number(), "values that there was no room for, since the console's start"),
      first: time,
      last: time,
    }),
  ),
});
/** A field that devices see differently. */
export type ConflictDocument = z.output<typeof conflictDocument>;

const decision = z.strictObject({ measurement: name, field: name, type: fieldType });
export type Decision = z.input<typeof decision>;

const settledDocument = z.object({
  measurement: z.string(),
  field: z.string(),
  type: fieldType,
  written: about(z.number(), "values that were held and are stored now"),
  discarded: about(z.number(), "values that were held and cannot be told in this type"),
  waiting: about(z.number(), "values that are written when the store is back"),
  why: z.optional(about(z.string(), "why some wait")),
});
/** What became of a person's word about a field. */
export type SettledDocument = z.output<typeof settledDocument>;

export const fieldRoutes = {
  listConflicts: {
    summary: "Fields that devices see differently, with what is held until somebody settles it",
    role: "viewer",
    answers: { 200: z.object({ conflicts: z.array(conflictDocument) }) },
  },
  settleField: {
    summary: "Settle what a field is: what is held and fits is stored, the rest of it let go",
    role: "operator",
    fleet: true,
    body: decision,
    answers: { 200: settledDocument },
    problems: [404, 409],
  },
} as const satisfies Record<string, Route>;
