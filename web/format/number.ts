import type { Json } from "#shared/messages/payload-schema";
import type { SampleValue } from "#api/device-routes";
import { decimals, smallNumber, t } from "../language/text.ts";
import { formatCoarsely } from "./format-duration.ts";
import type { FieldUnit } from "#shared/field-units";
import { exactInUnit, valueInUnit, type NumberWriting } from "#shared/value-text";

const writing: NumberWriting = { decimals, small: smallNumber, span: formatCoarsely };

export const formatValue = (value: number, unit: FieldUnit): string => valueInUnit(value, unit, writing);

/** Not rounded onto a threshold that it is beyond. */
export const formatExactly = (value: number, unit: FieldUnit): string => exactInUnit(value, unit, writing);

/** Any field's value as text. */
export function formatField(value: SampleValue, unit: FieldUnit): string {
  if (typeof value === "number") return formatValue(value, unit);
  return typeof value === "boolean" ? (value ? t("yes") : t("no")) : value;
}

/** What a device says about its machine: words as they are, sizes of memory and disks as such. */
export function formatFact(name: string, value: Json): string {
  if (typeof value === "number" && /mem|ram|swap|disk|bytes/i.test(name)) return formatValue(value, "bytes");
  return typeof value === "string" ? value : JSON.stringify(value);
}
