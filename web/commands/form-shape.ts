import type { Json } from "#shared/messages/payload-schema";

/**
 * A command's JSON Schema as inputs of a form, and what was typed as the command's arguments. Anything that a plain
 * input cannot say becomes a JSON text.
 */
export type Field = Common &
  (
    | { readonly kind: "number"; readonly integer: boolean; readonly min?: number; readonly max?: number }
    | { readonly kind: "text"; readonly minLength?: number; readonly maxLength?: number; readonly pattern?: string }
    | { readonly kind: "choice"; readonly options: readonly Json[] }
    | { readonly kind: "switch" }
    | { readonly kind: "json" }
  );

interface Common {
  readonly name: string;
  readonly title: string;
  readonly description?: string;
  readonly required: boolean;
  /** What the input holds at first. */
  readonly initial: TypedText;
}

/** What an input holds: text, or a switch's position. */
export type TypedText = string | boolean;

/** The inputs for a schema, or one JSON text for all arguments. */
export type FormShape = { readonly kind: "fields"; readonly fields: readonly Field[] } | { readonly kind: "json" };

type Schema = Readonly<Record<string, unknown>>;

const combinators = ["$ref", "allOf", "anyOf", "oneOf", "not", "if", "patternProperties"];

export function formShape(schema: Schema | undefined): FormShape {
  if (!schema) return { kind: "fields", fields: [] };
  const properties = schema["properties"] ?? {};
  const open = isSchema(schema["additionalProperties"]) && Object.keys(properties).length === 0;
  const plain = (schema["type"] === undefined || schema["type"] === "object") && isSchema(properties);
  if (!plain || open || combinators.some((word) => word in schema)) return { kind: "json" };
  const required = new Set(Array.isArray(schema["required"]) ? schema["required"] : []);
  const fields = Object.entries(properties).map(([name, property]) => fieldOf(name, property, required.has(name)));
  return { kind: "fields", fields };
}

function fieldOf(name: string, property: unknown, required: boolean): Field {
  const schema = isSchema(property) ? property : {};
  const common = {
    name,
    title: text(schema["title"]) ?? name,
    required,
    ...defined("description", text(schema["description"])),
  };
  const given = schema["default"];
  const typed = given === undefined ? "" : typeof given === "string" ? given : JSON.stringify(given);
  if (combinators.some((word) => word in schema)) return { ...common, kind: "json", initial: jsonText(given) };
  const options = Array.isArray(schema["enum"]) ? schema["enum"] : "const" in schema ? [schema["const"]] : undefined;
  if (options) {
    const only = options.length === 1 && required ? options[0] : undefined;
    return { ...common, kind: "choice", options: options as Json[], initial: jsonText(given ?? only) };
  }
  switch (schema["type"]) {
    case "number":
    case "integer":
      return { ...common, kind: "number", integer: schema["type"] === "integer", initial: typed, ...bounds(schema) };
    case "string":
      return { ...common, kind: "text", initial: typed, ...lengths(schema) };
    case "boolean":
      return { ...common, kind: "switch", initial: given === true };
    default:
      return { ...common, kind: "json", initial: jsonText(given) };
  }
}

const said = (bound: number | undefined): number | undefined =>
  bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined;

/** Schema libraries write an integer's safe range as its bounds: nobody needs to read those. */
function bounds(schema: Schema): { min?: number; max?: number } {
  // An exclusive bound of a fraction has no nearest allowed value; the device refuses the bound itself.
  const step = schema["type"] === "integer" ? 1 : 0;
  const above = number(schema["exclusiveMinimum"]);
  const below = number(schema["exclusiveMaximum"]);
  const min = number(schema["minimum"]) ?? (above === undefined ? undefined : above + step);
  const max = number(schema["maximum"]) ?? (below === undefined ? undefined : below - step);
  return { ...defined("min", said(min)), ...defined("max", said(max)) };
}

function lengths(schema: Schema): { minLength?: number; maxLength?: number; pattern?: string } {
  return {
    ...defined("minLength", number(schema["minLength"])),
    ...defined("maxLength", number(schema["maxLength"])),
    ...defined("pattern", text(schema["pattern"])),
  };
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
const jsonText = (value: unknown): string => (value === undefined ? "" : JSON.stringify(value));

function defined<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
