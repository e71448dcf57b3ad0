import type { JSX } from "preact";
import type { AlertDocument } from "#api/client";
import { fixed, viewQuery } from "../charts/chart-view.ts";
import type { FieldUnit } from "#shared/field-units";
import { formatExactly, formatField } from "../format/number.ts";
import { word } from "../language/text.ts";

const severityLooks: Readonly<Record<string, string>> = { critical: "bad", warning: "wait", info: "busy" };
const stateLooks: Readonly<Record<string, string>> = { firing: "bad", acknowledged: "busy", resolved: "good" };

export const Severity = ({ severity }: { readonly severity: string }): JSX.Element => (
  <span class={`state ${severityLooks[severity] ?? ""}`}>{word(severity)}</span>
);

export const StateBadge = ({ state }: Pick<AlertDocument, "state">): JSX.Element => (
  <span class={`state ${stateLooks[state] ?? ""}`}>{word(state)}</span>
);

/** A value as it was when the alert fired, with its unit; not all of the digits that a float has. */
export function firedValue(value: AlertDocument["value"], unit: FieldUnit): string {
  if (value === null) return "";
  return typeof value === "number" ? formatExactly(value, unit) : formatField(value, unit);
}

/** The address of a device's page. */
export function deviceAddress(device: string): string {
  return `/devices/${encodeURIComponent(device)}`;
}

/** The device's charts as they were around an alert, an hour before and after it. @param now epoch ms */
export function chartAddress({ device, since, resolved }: AlertDocument, now: number): string {
  const hour = 3_600_000;
  const to = Math.min(now, (resolved ?? now) + hour);
  return deviceAddress(device ?? "") + viewQuery(fixed(since - hour, to));
}
