import * as z from "zod/mini";
import { fieldType } from "./field-routes.ts";
import type { Route } from "./route.ts";
import { about, deviceId, limit, time } from "./document-schema.ts";

const setAsideDocument = z.object({
  device: z.string(),
  measurement: z.string(),
  field: z.string(),
  got: about(z.string(), "what the values were"),
  wanted: about(z.string(), "the field's type, or what else would have passed"),
  sample: about(z.string(), "the first such value"),
  count: about(z.number(), "values that were set aside; those that came again count again"),
  first: time,
  last: time,
  held: z.optional(
    about(
      z.number(),
      "of these, values on the console's disk until somebody settles what the field is; left out where that is settled",
    ),
  ),
  settle: z.optional(
    about(z.array(fieldType), "what it may be settled as: the field's type as it is, and that of these values"),
  ),
  advice: about(z.string(), "what to do about it"),
});
/** Values of one field that were set aside instead of stored. */
export type SetAsideDocument = z.output<typeof setAsideDocument>;

const overBudgetDocument = z.object({
  device: z.string(),
  known: about(z.number(), "series that are let through"),
  series: about(z.number(), "about how many more there are, which are set aside"),
  samples: about(z.number(), "samples of those"),
  first: time,
  last: time,
  worst: about(
    z.array(z.object({ measurement: z.string(), tag: z.string(), values: z.number() })),
    "the tags with the most different values, about",
  ),
});
/** A device beyond its budget of series. */
export type OverBudgetDocument = z.output<typeof overBudgetDocument>;

const quarantineDocument = z.object({
  entries: about(z.array(setAsideDocument), "newest first"),
  more: about(z.number(), "values beyond these that there was no room to tell apart"),
});
export type QuarantineDocument = z.output<typeof quarantineDocument>;

const budgetDocument = z.object({
  budget: about(z.number(), "series that one device may have"),
  devices: about(z.array(overBudgetDocument), "those beyond it, the worst first"),
  largest: about(z.array(z.object({ device: z.string(), known: z.number() })), "the devices with the most series"),
});
export type BudgetDocument = z.output<typeof budgetDocument>;

/** What is set aside before the store: fields that do not fit, and series beyond the budget. */
export const quarantineRoutes = {
  getQuarantine: {
    summary: "Fields that were set aside instead of stored",
    role: "viewer",
    query: z.object({ device: z.optional(deviceId), limit: limit(10_000, 1_000) }),
    answers: { 200: quarantineDocument },
  },
  forgetQuarantine: {
    summary: "Forget what was set aside; what is still wrong comes back by itself",
    role: "operator",
    query: z.object({
      device: z.optional(deviceId),
      measurement: z.optional(about(z.string().check(z.maxLength(1_000)), "only of this measurement")),
      field: z.optional(about(z.string().check(z.maxLength(1_000)), "only of this field of it")),
    }),
    answers: { 200: z.object({ forgotten: z.number() }) },
  },
  getSeries: {
    summary: "Devices beyond their budget of series, and where it comes from",
    role: "viewer",
    answers: { 200: budgetDocument },
  },
} as const satisfies Record<string, Route>;
