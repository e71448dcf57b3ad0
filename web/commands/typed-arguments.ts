import type { Json } from "#shared/messages/payload-schema";
import type { Field, FormShape, TypedText } from "./form-shape.ts";
import { t } from "../language/text.ts";

/** What was typed, by the field's name; a JSON form's only text stands under "". */
export type TypedValues = Readonly<Record<string, TypedText>>;

/** The command's arguments, or one sentence for each field that does not fit. */
export type ReadArguments =
  | { readonly ok: true; readonly args: Record<string, Json> }
  | { readonly ok: false; readonly problems: Readonly<Record<string, string>> };

/** What a form holds that reads as these arguments; what it has no field for stands in `unknown`, by name. */
export function typedOf(
  shape: FormShape,
  args: Readonly<Record<string, Json>>,
): { readonly typed: TypedValues; readonly unknown: readonly string[] } {
  const names = Object.keys(args);
  if (shape.kind === "json")
    return { typed: names.length === 0 ? {} : { "": JSON.stringify(args, null, 2) }, unknown: [] };
  const typed: Record<string, TypedText> = {};
  for (const field of shape.fields) {
    const value = args[field.name];
    if (value !== undefined) typed[field.name] = textOf(field, value);
    // What was left out is left out again, and not what the field holds at first.
    else if (field.kind !== "switch") typed[field.name] = "";
  }
  const known = new Set(shape.fields.map(({ name }) => name));
  return { typed, unknown: names.filter((name) => !known.has(name)) };
}

function textOf({ kind }: Field, value: Json): TypedText {
  if (kind === "switch") return value === true;
  if (kind === "text" || kind === "number") return typeof value === "string" ? value : JSON.stringify(value);
  return JSON.stringify(value);
}

/** Reads a form. An optional field that was left empty is left out. The device checks again: its schema is the truth. */
export function readArguments(shape: FormShape, typed: TypedValues): ReadArguments {
  if (shape.kind === "json") return readObject(String(typed[""] ?? ""));
  const args: Record<string, Json> = {};
  const problems: Record<string, string> = {};
  for (const field of shape.fields) {
    const result = readField(field, typed[field.name] ?? field.initial);
    if (result === undefined) continue;
    if ("problem" in result) problems[field.name] = result.problem;
    else args[field.name] = result.value;
  }
  return Object.keys(problems).length > 0 ? { ok: false, problems } : { ok: true, args };
}

type FieldResult = { readonly value: Json } | { readonly problem: string } | undefined;

function readField(field: Field, typed: TypedText): FieldResult {
  // A switch that stands as it stood says nothing new, unless something has to be said.
  if (field.kind === "switch") return field.required || typed !== field.initial ? { value: typed === true } : undefined;
  const text = String(typed);
  if (text.trim() === "") return field.required ? { problem: t("This is required.") } : undefined;
  if (field.kind === "number") return readNumber(field, text);
  if (field.kind === "text") return readText(field, text);
  return readJson(text);
}

function readNumber(field: Extract<Field, { kind: "number" }>, text: string): FieldResult {
  const value = Number(text);
  if (!Number.isFinite(value)) return { problem: t("Expected a number.") };
  if (field.integer && !Number.isInteger(value)) return { problem: t("Expected a whole number.") };
  if (field.min !== undefined && value < field.min)
    return { problem: t("Expected {min} or more.", { min: field.min }) };
  if (field.max !== undefined && value > field.max)
    return { problem: t("Expected {max} or less.", { max: field.max }) };
  return { value };
}

function readText(field: Extract<Field, { kind: "text" }>, text: string): FieldResult {
  if (text.length < (field.minLength ?? 0))
    return { problem: t("Expected at least {minLength} characters.", { minLength: field.minLength ?? 0 }) };
  if (text.length > (field.maxLength ?? Infinity))
    return { problem: t("Expected at most {maxLength} characters.", { maxLength: field.maxLength ?? 0 }) };
  return { value: text };
}

function readJson(text: string): { readonly value: Json } | { readonly problem: string } {
  try {
    return { value: JSON.parse(text) as Json };
  } catch (error) {
    return {
      problem: t("Not valid JSON: {value}.", { value: error instanceof Error ? error.message : String(error) }),
    };
  }
}

function readObject(text: string): ReadArguments {
  if (text.trim() === "") return { ok: true, args: {} };
  const read = readJson(text);
  if ("problem" in read) return { ok: false, problems: { "": read.problem } };
  const { value } = read;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ok: true, args: value };
  return { ok: false, problems: { "": t('Expected a JSON object, such as {"seconds": 5}.') } };
}
