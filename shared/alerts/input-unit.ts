import { rateUnit, unitLabel, type FieldUnit } from "../field-units.ts";
import type { RuleInput } from "./reckon.ts";

/** What a rule's value is measured in. @param unit of the field that it looks at */
export function unitOfInput({ by, span }: Pick<RuleInput, "by" | "span">, unit: FieldUnit): FieldUnit {
  if (by === "changed") return "number";
  if (by !== "rate") return unit;
  return span === 1_000 ? rateUnit(unit) : ` ${unitLabel(unit)}/min`;
}
