import { formatDuration } from "#shared/duration";
import type { FieldValue } from "#shared/columns";
import type { AlertState } from "#shared/alerts/alert-state";
import type { ReadRule } from "#shared/alerts/read-rule";
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
  }: {
    readonly device: string;
    readonly series: string;
    readonly state: AlertState & { readonly phase: "firing" };
    readonly value: FieldValue;
  },
): Pick<Alert, "title" | "text"> {
  const where = [device, seriesText(series)].filter((part) => part !== "").join(" ");
  const title = `${rule.summary ?? rule.name}${where === "" ? "" : `: ${where}`}`.slice(0, maxTitle);
  const [input] = base.inputs;
  const held = state.fired - state.since;
  const holds = held > 0 ? `, for ${formatDuration(held)}` : "";
  const what =
    input && value !== null
      ? `${input.name} is ${valueText(value)}`
      : kind === "value"
        ? ""
        : knownText(rule.when, value);
  return { title, text: `${what === "" ? "" : `${what}: `}${rule.when}${holds}` };
}

/** Spans of time are told as such. */
function knownText(when: string, value: FieldValue): string {
  const [, name] = /^\s*(silent|certificate|skew)\b/.exec(when) ?? [];
  return name !== undefined && typeof value === "number" ? `${name} ${formatDuration(value)}` : valueText(value);
}

/** A value for people: not all of the digits that a float has. */
export function valueText(value: FieldValue): string {
  if (typeof value !== "number") return value === null ? "" : String(value).slice(0, maxTitle);
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}
