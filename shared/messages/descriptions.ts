import * as z from "zod/mini";
import { measurementName, name } from "#shared/messages/names";
import { atMost } from "#shared/messages/payload-schema";

/** Measurements that a device describes at most: each is a chart or two. */
export const maxDescribed = 64;
/** Fields of one of them. */
export const maxDescribedFields = 100;
/** Characters of a unit: it stands behind each number. */
export const maxUnitLength = 16;
/** Characters of a title: it stands over a chart, and beside a line. */
export const maxTitleLength = 80;
/** Characters of a description: a sentence or two. */
export const maxDescriptionLength = 400;

/**
 * Words that stand in a chart's head or behind a number: one line, none of it invisible, nothing that turns the line around. Joiners are left
 * to the scripts that need them.
 */
const words = (most: number) =>
  z
    .string()
    .check(
      z.maxLength(most),
      z.regex(
        /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]*$/u,
        "expected one line without control characters",
      ),
    );

/** A unit as people write it: `°C`, `hPa`, `%`; empty for a plain number. */
export const fieldUnit = words(maxUnitLength);
export const titleText = words(maxTitleLength);

const common = { title: z.optional(titleText), description: z.optional(words(maxDescriptionLength)) };

/** What can be said of a field, as a schema's shape. */
export const fieldShape = {
  ...common,
  unit: z.optional(fieldUnit),
  type: z.optional(z.enum(["float", "integer", "string", "boolean"])),
  /** It only grows: a chart shows its rate. */
  counter: z.optional(z.boolean()),
  /** Between which values it lies: a chart's axis has both. */
  min: z.optional(z.number()),
  max: z.optional(z.number()),
};

const inOrder = z.refine<{ min?: number | undefined; max?: number | undefined }>(
  ({ min = -Infinity, max = Infinity }) => min < max,
  "expected min below max",
);
const fieldsOf = <F extends z.ZodMiniType>(field: F) => ({
  ...common,
  fields: z.optional(atMost(maxDescribedFields, z.record(name, field))),
});
const ofAll = <M extends z.ZodMiniType>(measurement: M) => atMost(maxDescribed, z.record(measurementName, measurement));

/** What is said of one measurement. */
export const measurementDescription = z.object(fieldsOf(z.object(fieldShape).check(inOrder)));
export type MeasurementDescription = z.output<typeof measurementDescription>;
export type FieldDescription = NonNullable<MeasurementDescription["fields"]>[string];

/** What a device says of what it measures. */
export const descriptions = ofAll(measurementDescription);
export type Descriptions = z.output<typeof descriptions>;
/** The same, as somebody has written it by hand: a misspelled key is refused rather than passed over. */
export const strictDescriptions = ofAll(z.strictObject(fieldsOf(z.strictObject(fieldShape).check(inOrder))));
