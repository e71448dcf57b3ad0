import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import type { Notice } from "./notice.ts";

/** Where a template is to stand, which says how a value is written in it. */
export type TemplatePlace = "application/json" | "text/plain" | "application/x-www-form-urlencoded";

/** What names in a template stand for. */
export interface TemplateValues extends Omit<Notice, "at" | "since" | "sections"> {
  readonly id: string;
  readonly at: string;
  readonly since: string;
  /** The title as other channels have it: with "Resolved: " before it. */
  readonly headline: string;
}

/** A name: words with dots between. No code, no calls, no loops. */
const placeholder = /\{\{([^{}]*)\}\}/g;
const namePattern = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/**
 * A template with its names replaced, in one pass: what a value holds is never looked at again. In JSON a text is escaped and stands between
 * the quotes that the template has; anything else stands as JSON.
 * @throws BadInputError for what is no name, or for one that there is not
 */
export function filled(template: string, place: TemplatePlace, values: TemplateValues): string {
  return template.replaceAll(placeholder, (_, inner: string) => written(valueOf(inner.trim(), values), place));
}

/** @throws BadInputError where a template cannot be filled, or does not become what it is to be */
export function checkTemplate(template: string, place: TemplatePlace): void {
  const body = filled(template, place, example);
  if (place !== "application/json") return;
  try {
    JSON.parse(body);
  } catch {
    throw new BadInputError(
      `the template does not become JSON: ${quoted(body)}; texts need quotes around their braces, numbers none`,
    );
  }
}

function valueOf(name: string, values: TemplateValues): unknown {
  if (!namePattern.test(name))
    throw new BadInputError(`{{${name}}} in the template is no name: expected one like {{title}} or {{labels.room}}`);
  const [first = "", ...rest] = name.split(".");
  if (!Object.hasOwn(values, first) || (rest.length > 0 && first !== "labels") || rest.length > 1)
    throw new BadInputError(
      `{{${name}}} in the template is not known: expected ${Object.keys(example).join(", ")} or labels.NAME`,
    );
  const value: unknown = values[first as keyof TemplateValues];
  const [label] = rest;
  // A label that this notice has not is no text.
  return label === undefined ? value : Object.hasOwn(values.labels, label) ? values.labels[label] : "";
}

function written(value: unknown, place: TemplatePlace): string {
  if (place === "application/json")
    return typeof value === "string" ? JSON.stringify(value).slice(1, -1) : JSON.stringify(value);
  const text = value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
  return place === "text/plain" ? text : encodeURIComponent(text);
}

const example: TemplateValues = {
  id: "id",
  kind: "firing",
  alert: "alert",
  rule: "rule",
  severity: "warning",
  device: "device",
  at: "2026-01-01T00:00:00.000Z",
  since: "2026-01-01T00:00:00.000Z",
  title: "title",
  headline: "title",
  text: "text",
  value: 1,
  url: null,
  labels: {},
};
