import * as z from "zod/mini";
import type { Route } from "./route.ts";
import { about, deviceId, named, nextPlace, placeInList, timeOrNull } from "./document-schema.ts";

const estimate = about(z.number(), "an estimate, by the mean of the stored batches");

const gapDocument = z.object({
  outbox: about(
    z.nullable(z.string()),
    "null where many old gaps were taken together, or the store has lost what it had",
  ),
  first: about(z.nullable(z.number()), "the first of its batches that is missing, by its number in the outbox"),
  last: z.nullable(z.number()),
  batches: z.number(),
  samples: z.number(),
  estimated: about(z.boolean(), "whether samples is an estimate, by the mean of the stored batches"),
  from: timeOrNull,
  to: timeOrNull,
  why: z.string(),
});
/** Samples that will never come. */
export type GapDocument = z.output<typeof gapDocument>;

/** What became of the samples of one device's numbered batches. */
const completenessDocument = named(
  z.object({
    device: z.string(),
    since: about(timeOrNull, "when the counting began; null where there is nothing to count"),
    expected: about(z.number(), "stored, set aside, missing, outstanding and forgotten samples together"),
    stored: z.number(),
    setAside: about(z.number(), "samples that were received and refused for good"),
    missing: about(z.number(), "samples that will never come: the sum of the gaps"),
    outstanding: about(
      z.object({ batches: z.number(), samples: estimate, from: timeOrNull, since: timeOrNull }),
      "not stored yet, and still in the device's outbox as far as is known",
    ),
    forgotten: about(
      z.object({ batches: z.number(), samples: estimate }),
      "acknowledged before the console's state was put back to an older copy, which does not know them",
    ),
    gaps: about(z.array(gapDocument), "oldest first"),
    moreGaps: about(z.number(), "older gaps that this answer leaves out"),
  }),
  "Completeness",
);
export type CompletenessDocument = z.output<typeof completenessDocument>;

/** Gaps of one device in the answer about all. */
export const gapsOfEach = 10;

export const completenessRoutes = {
  getCompleteness: {
    summary: "Which samples of a device are stored, missing and outstanding",
    role: "viewer",
    params: z.object({ id: deviceId }),
    answers: { 200: completenessDocument },
    problems: [404],
  },
  listCompleteness: {
    summary: `The same of every device that has sent a numbered batch, with the ${gapsOfEach} newest gaps of each`,
    role: "viewer",
    query: z.object({ after: placeInList("devices behind this one") }),
    answers: {
      200: z.object({
        devices: about(z.array(completenessDocument), "by their ids, as many as there is room for"),
        next: nextPlace,
      }),
    },
  },
} as const satisfies Record<string, Route>;
