import type { Descriptions, FieldDescription, MeasurementDescription } from "#shared/messages/descriptions";
import type { UnitWord } from "./unit-words.ts";

/** What is known of a field, and who has said what of it a person has said. */
export type KnownField = FieldDescription & { readonly by?: string };
export type KnownMeasurements = Readonly<
  Record<string, Omit<MeasurementDescription, "fields"> & { readonly fields: Readonly<Record<string, KnownField>> }>
>;

/** What a device has said of what it measures, under what people say of it. @param words those that count more behind the others */
export function knownMeasurements(described: Descriptions | undefined, words: readonly UnitWord[]): KnownMeasurements {
  // Maps: a measurement may be called `constructor`.
  const known = new Map(Object.entries(described ?? {}));
  for (const { measurement, field, unit, title, by } of words) {
    const { fields = {}, ...rest } = known.get(measurement) ?? {};
    const before = Object.hasOwn(fields, field) ? fields[field] : {};
    const said = { ...(unit === null ? {} : { unit }), ...(title === null ? {} : { title }), by };
    known.set(measurement, { ...rest, fields: { ...fields, [field]: { ...before, ...said } } });
  }
  return Object.fromEntries([...known].map(([name, { fields = {}, ...rest }]) => [name, { ...rest, fields }]));
}
