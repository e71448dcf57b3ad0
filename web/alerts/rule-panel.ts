import type { AlertDocument } from "#api/client";
import { readRule } from "#shared/alerts/read-rule";
import type { AlertRule } from "#shared/alerts/alert-rule";
import type { SampleTags } from "#api/device-routes";
import { rateUnit } from "../charts/rates.ts";
import type { Panel } from "../charts/panels.ts";
import type { Looks } from "../state/field-looks.ts";

/** Fields that one chart shows of a rule. */
const maxFields = 6;

interface Shown {
  /** The series that is shown; all of them without it. */
  readonly tags?: AlertDocument["tags"];
  readonly looks: Looks;
  /** The sort of a value, where it is known: text has bands. */
  readonly value?: AlertDocument["value"];
}

/** What a rule looks at, as a chart; undefined where that is no measured value, or it does not read. */
export function panelOfRule(rule: AlertRule, { tags, looks, value }: Shown): Panel | undefined {
  let read;
  try {
    read = readRule(rule);
  } catch {
    return undefined;
  }
  if (read.kind !== "value") return undefined;
  const { measurement } = read;
  const fields = [...new Set(read.base.inputs.map(({ field }) => field))].slice(0, maxFields);
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
    sources: fields.map((field) => ({
      measurement,
      field,
      ...(looks.field(measurement, field).isCounter ? { counter: true as const } : {}),
      line: (its) =>
        wanted.every(([name, tag]) => its[name] === tag) ? lineName(field, its, fields.length > 1) : undefined,
    })),
  };
}

function lineName(field: string, tags: SampleTags, several: boolean): string {
  const series = Object.entries(tags)
    .filter(([name]) => name !== "host")
    .map(([, value]) => value)
    .join(", ");
  if (series === "") return field;
  return several ? `${series}: ${field}` : series;
}
