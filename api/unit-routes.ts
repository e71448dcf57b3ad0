import * as z from "zod/mini";
import { titleText, fieldUnit } from "#shared/messages/descriptions";
import { measurementName, name } from "#shared/messages/names";
import { about, time } from "./document-schema.ts";
import type { Route } from "./route.ts";

const scope = about(
  z.string().check(z.maxLength(80)),
  "whose: `default` (every device's), `group:NAME` or `device:NAME`",
);
const place = { scope, measurement: measurementName, field: name };
const unit = about(z.nullable(fieldUnit), "such as `°C`; empty for a plain number; null where nobody has said any");
const title = about(z.nullable(titleText), "what the field is called on charts; null where nobody has said any");

const unitWord = z.object({ ...place, unit, title, by: z.string(), ts: time });
export type UnitWordDocument = z.output<typeof unitWord>;

/** Units and titles of fields, as people have said them: before what a device says itself, and before what a field's name says. */
export const unitRoutes = {
  listUnits: {
    summary: "Units and titles of fields that people have said",
    role: "viewer",
    answers: { 200: z.object({ units: z.array(unitWord) }) },
  },
  setUnit: {
    summary: "Say the unit or the title of a field, for all devices, for those in a group or for one",
    role: "operator",
    body: z.strictObject({
      ...place,
      unit: z.optional(about(z.nullable(fieldUnit), "left out: it stays; null: it is taken back")),
      title: z.optional(about(z.nullable(titleText), "left out: it stays; null: it is taken back")),
    }),
    answers: { 200: unitWord },
    problems: [404],
  },
} as const satisfies Record<string, Route>;
