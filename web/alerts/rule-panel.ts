import type { AlertDocument } from "#api/client";
import { unitOfInput } from "#shared/alerts/input-unit";
import { readRule, variantFor, type ReadRule, type RuleVariant } from "#shared/alerts/read-rule";
import type { AlertRule } from "#shared/alerts/alert-rule";
import { comparisonsOf, type FilterCondition } from "#shared/filter/condition";
import { rateUnit, type FieldUnit } from "#shared/field-units";
import type { SampleTags } from "#api/device-routes";
import type { Panel, Threshold } from "../charts/panels.ts";
import type { Looks } from "../state/field-looks.ts";

/** Fields that one chart shows of a rule. */
const maxFields = 6;

interface Shown {
  /** The series that is shown; all of them without it. */
  readonly tags?: AlertDocument["tags"];
  readonly looks: Looks;
  /** The device's: of them a group may have another threshold. */
  readonly groups: readonly string[];
  /** The sort of a value, where it is known: text has bands. */
  readonly value?: AlertDocument["value"];
}

/** What a rule looks at, as a chart; undefined where that is no measured value, or it does not read. */
export function panelOfRule(rule: AlertRule, { tags, looks, groups, value }: Shown): Panel | undefined {
  const read = readOrNot(rule);
  if (read?.kind !== "value") return undefined;
  const { measurement } = read;
  const variant = variantFor(read, groups);
  const fields = [...new Set(variant.inputs.map(({ field }) => field))].slice(0, maxFields);
  const [first = ""] = fields;
  const look = looks.field(measurement, first);
  const isText = typeof value === "string";
  const wanted = Object.entries(tags ?? {});
  return {
    id: "alert",
    key: JSON.stringify([measurement, fields, tags, isText]),
    title: fields.length === 1 ? `${measurement}.${first}` : measurement,
    unit: isText ? "number" : look.isCounter ? rateUnit(look.unit) : look.unit,
    combine: "max",
    ...(isText ? { bands: true as const } : {}),
    thresholds: thresholdsOf(variant, looks),
    sources: fields.map((field) => ({
      measurement,
      field,
      ...(looks.field(measurement, field).isCounter ? { counter: true as const } : {}),
      line: (its) =>
        wanted.every(([name, tag]) => its[name] === tag) ? lineName(field, its, fields.length > 1) : undefined,
    })),
  };
}

/** What a rule's values are measured in. */
export function unitOfRule(rule: AlertRule, looks: Looks): FieldUnit {
  const [input] = readOrNot(rule)?.base.inputs ?? [];
  return input ? unitOfInput(input, looks.field(input.measurement, input.field).unit) : "number";
}

function readOrNot(rule: AlertRule): ReadRule | undefined {
  try {
    return readRule(rule);
  } catch {
    return undefined;
  }
}

/** Where a rule fires and where it is over, as far as the chart shows what is compared: counters have their rates there, all else its values. */
function thresholdsOf({ when, stays, inputs }: RuleVariant, looks: Looks): readonly Threshold[] {
  const valuesIn = (condition: FilterCondition): readonly number[] =>
    comparisonsOf(condition).flatMap(({ name, operand: { number } }) => {
      const input = inputs.find((one) => one.name === name);
      if (!input || number === undefined || input.by === "changed") return [];
      const isRate = input.by === "rate";
      if (looks.field(input.measurement, input.field).isCounter !== isRate) return [];
      return [isRate ? (number * 1_000) / input.span : number];
    });
  const fires = new Set(valuesIn(when));
  const over = stays === when ? [] : valuesIn(stays).filter((value) => !fires.has(value));
  return [
    ...[...fires].map((value) => ({ value, at: "fires" as const })),
    ...over.map((value) => ({ value, at: "over" as const })),
  ];
}

function lineName(field: string, tags: SampleTags, several: boolean): string {
  const series = Object.entries(tags)
    .filter(([name]) => name !== "host")
    .map(([, value]) => value)
    .join(", ");
  if (series === "") return field;
  return several ? `${series}: ${field}` : series;
}
