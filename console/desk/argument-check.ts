import type { Args } from "#shared/messages/command-messages";
import type { Json } from "#shared/messages/payload-schema";
import { forTerminalJson, quoted } from "#shared/printable";
import type { FlatSchema } from "../devices/flat-schema.ts";

/** Places told of; the rest is counted. */
const maxPlacesTold = 3;

/** Places looked for: beyond them the count is no news. */
const maxPlacesFound = 50;

/** What of the arguments does not fit, as one sentence that names each place: "seconds: expected number, got string". */
export function misfit(schema: FlatSchema, args: Args): string | undefined {
  const found: string[] = [];
  look(schema, args, "", found);
  if (found.length === 0) return undefined;
  const more = found.length - maxPlacesTold;
  return found.slice(0, maxPlacesTold).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function look(schema: FlatSchema, value: Json | undefined, path: string, found: string[]): void {
  // Whoever sends a list of ten thousand wrong things is told of the first.
  if (found.length >= maxPlacesFound) return;
  const problem = problemOf(schema, value);
  if (problem !== undefined) return void found.push(path === "" ? problem : `${path}: ${problem}`);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items) value.forEach((one, at) => look(items, one, join(path, String(at)), found));
  } else if (typeof value === "object" && value !== null) lookInside(schema, value, path, found);
}

function lookInside(schema: FlatSchema, value: Args, path: string, found: string[]): void {
  const { properties = {}, required = [], additionalProperties: others = schema.properties === undefined } = schema;
  for (const name of required)
    if (!Object.hasOwn(value, name)) look(own(properties, name) ?? {}, undefined, join(path, name), found);
  const unknown: string[] = [];
  for (const [name, one] of Object.entries(value)) {
    const property = own(properties, name) ?? (others === true ? {} : others);
    if (property === false) unknown.push(quoted(name));
    else look(property, one, join(path, name), found);
  }
  if (unknown.length === 0) return;
  const text = `unrecognized key${unknown.length === 1 ? "" : "s"} ${unknown.slice(0, maxPlacesTold).join(", ")}`;
  found.push(path === "" ? text : `${path}: ${text}`);
}

/** What is wrong with the value itself, whatever its parts are. */
function problemOf(schema: FlatSchema, value: Json | undefined): string | undefined {
  if (value === undefined) return `expected ${typesOf(schema).join(" or ") || "a value"}, got nothing`;
  const expected = typesOf(schema);
  if (expected.length > 0 && !expected.some((type) => isA(type, value)))
    return `expected ${expected.join(" or ")}, got ${nameOf(value)}`;
  const choices = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (choices && !choices.includes(value as string))
    return `expected ${choices.length === 1 ? "" : "one of "}${choices
      .slice(0, 20)
      .map((one) => forTerminalJson(JSON.stringify(one)))
      .join(", ")}`;
  const { anyOf } = schema;
  if (anyOf && !anyOf.some((one) => problemOf(one, value) === undefined)) return alternatives(anyOf, value);
  return beyond(schema, value);
}

function alternatives(anyOf: readonly FlatSchema[], value: Json): string {
  const types = [...new Set(anyOf.flatMap(typesOf))];
  return `fits none of its alternatives${types.length > 0 ? ` (${types.join(", ")})` : ""}, got ${nameOf(value)}`;
}

function beyond(schema: FlatSchema, value: Json): string | undefined {
  if (typeof value === "number") return ofNumber(schema, value);
  // Characters as JSON Schema counts them: code points.
  if (typeof value === "string")
    return ofLength(schema.minLength, schema.maxLength, Array.from(value).length, "characters");
  if (Array.isArray(value)) return ofLength(schema.minItems, schema.maxItems, value.length, "items");
  return undefined;
}

function ofNumber(schema: FlatSchema, value: number): string | undefined {
  const { minimum: least = -Infinity, maximum: most = Infinity, multipleOf: step } = schema;
  const { exclusiveMinimum: above = -Infinity, exclusiveMaximum: below = Infinity } = schema;
  if (value < least) return `too small: expected ${least} or more, got ${value}`;
  if (value > most) return `too big: expected ${most} or less, got ${value}`;
  if (value <= above && above !== -Infinity) return `too small: expected more than ${above}, got ${value}`;
  if (value >= below && below !== Infinity) return `too big: expected less than ${below}, got ${value}`;
  if (step !== undefined && step > 0 && !isMultiple(value, step)) return `expected a multiple of ${step}, got ${value}`;
  return undefined;
}

/** 0.3 is a multiple of 0.1, whatever binary fractions say. */
function isMultiple(value: number, step: number): boolean {
  const times = value / step;
  return Math.abs(times - Math.round(times)) < 1e-9 * Math.max(1, Math.abs(times));
}

function ofLength(least = 0, most = Infinity, length: number, what: string): string | undefined {
  if (length < least) return `too short: expected ${least} ${what} or more, got ${length}`;
  return length > most ? `too long: expected ${most} ${what} or less, got ${length}` : undefined;
}

function typesOf({ type }: FlatSchema): readonly string[] {
  return type === undefined ? [] : typeof type === "string" ? [type] : type;
}

function isA(type: string, value: Json): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "number") return typeof value === "number";
  return nameOf(value) === type;
}

function nameOf(value: Json): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function own(properties: Readonly<Record<string, FlatSchema>>, name: string): FlatSchema | undefined {
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}

function join(path: string, name: string): string {
  const shown = /^[\w-]{1,80}$/.test(name) ? name : quoted(name);
  return path === "" ? shown : `${path}.${shown}`;
}
