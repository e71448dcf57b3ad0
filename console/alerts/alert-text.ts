import { formatDuration } from "#shared/duration";
import type { FieldValue } from "#shared/columns";
import { toUnit, unitLabel, type FieldUnit } from "#shared/field-units";
import { unitOfInput } from "#shared/alerts/input-unit";
import type { AlertState } from "#shared/alerts/alert-state";
import type { ReadRule } from "#shared/alerts/read-rule";
import { exactInUnit, plainWriting } from "#shared/value-text";
import { seriesText, type Alert } from "./alert.ts";

/** Characters of what an alert says. */
const maxTitle = 200;

/** What is said of an alert: one line, and why it is. */
export function textOfAlert(
  { rule, kind, base }: ReadRule,
  {
    device,
    series,
    state,
    value,
    unitOf,
  }: {
    readonly device: string;
    readonly series: string;
    readonly state: AlertState & { readonly phase: "firing" };
    readonly value: FieldValue;
    /** What is known of what a field is measured in. */
    readonly unitOf: (measurement: string, field: string) => FieldUnit;
  },
): Pick<Alert, "title" | "text" | "unit"> {
  const where = [device, seriesText(series)].filter((part) => part !== "").join(" ");
  const title = `${rule.summary ?? rule.name}${where === "" ? "" : `: ${where}`}`.slice(0, maxTitle);
  const [input] = base.inputs;
  const held = state.fired - state.since;
  const holds = held > 0 ? `, for ${formatDuration(held)}` : "";
  const unit = input ? unitLabel(unitOfInput(input, unitOf(input.measurement, input.field))) : spanUnit(rule.when);
  const what =
    input && value !== null
      ? `${input.name} is ${valueText(value, unit)}`
      : kind === "value"
        ? ""
        : knownText(rule.when, value);
  return { title, text: `${what === "" ? "" : `${what}: `}${rule.when}${holds}`, unit };
}

/** What is known of a device as a span of time, ms. */
const spans = /^\s*(silent|certificate|skew)\b/;

const spanUnit = (when: string): string => (spans.test(when) ? "ms" : "");

/** Spans of time are told as such. */
function knownText(when: string, value: FieldValue): string {
  const [, name] = spans.exec(when) ?? [];
  return name !== undefined && typeof value === "number" ? `${name} ${formatDuration(value)}` : valueText(value);
}

/** A value for people: with its unit, and not all of the digits that a float has. Behind a size stands the number that the condition goes by. */
function valueText(value: FieldValue, unit = ""): string {
  if (typeof value !== "number") return value === null ? "" : String(value).slice(0, maxTitle);
  const [exact, plain] = [toUnit(unit), "number" as const].map((one) => exactInUnit(value, one, plainWriting));
  const isScaled = unit === "bytes" || unit === "bytes/s" || unit === "s";
  return isScaled && plain !== undefined && Math.abs(value) >= 1_000 ? `${exact} (${plain})` : String(exact);
}
