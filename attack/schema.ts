import * as fc from "fast-check";
import type { Arbitrary } from "fast-check";

/** As much of OpenAPI 3.0's schemas as the console's description uses. */
export interface Schema {
  readonly type?: "string" | "number" | "integer" | "boolean" | "object" | "array";
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
}

/** Texts that mean something here, beside arbitrary ones: only known names get past the first check. */
export type Names = Readonly<Record<string, readonly unknown[]>>;

/** Values of a schema, wrong ones among them; `names` has values that fit where a property or parameter has that name. */
export function valuesOf(schema: Schema, names: Names, name = ""): Arbitrary<unknown> {
  const good = fitting(schema, names, name);
  const known = names[name];
  return fc.oneof(
    ...(known ? [{ weight: 8, arbitrary: fc.constantFrom(...known) }] : []),
    { weight: 8, arbitrary: good },
    { weight: 2, arbitrary: anything },
    { weight: 1, arbitrary: edges },
  );
}

const edges = fc.constantFrom<unknown>(
  "",
  "\u0000",
  "\ud800",
  "../..",
  "%00",
  "'\"`$(x)",
  "x".repeat(5_000),
  -1,
  0,
  1e308,
  2 ** 53,
  null,
  [],
  {},
  "NaN",
  "1e400",
  "__proto__",
);
const anything = fc.anything({ maxDepth: 3, withUnicodeString: true } as object).filter((value) => isJson(value));

function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

function fitting(schema: Schema, names: Names, name: string): Arbitrary<unknown> {
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return fc.oneof(...several.map((one) => valuesOf(one, names, name)));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case "string":
      return fc.string({
        minLength: schema.minLength ?? 0,
        maxLength: Math.min(schema.maxLength ?? 80, 200),
        unit: "binary",
      });
    case "integer":
      return fc.integer({ min: bound(schema.minimum, -10), max: bound(schema.maximum, 10_000) });
    case "number":
      return fc.double({ min: schema.minimum ?? -1e6, max: schema.maximum ?? 1e6, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "array":
      return fc.array(valuesOf(schema.items ?? {}, names, `${name}[]`), {
        minLength: schema.minItems ?? 0,
        maxLength: 5,
      });
    case "object":
      return objects(schema, names);
    default:
      return fc.jsonValue({ maxDepth: 4 });
  }
}

function bound(value: number | undefined, otherwise: number): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value ?? otherwise));
}

function objects({ properties = {}, required = [], additionalProperties }: Schema, names: Names): Arbitrary<unknown> {
  const model = Object.fromEntries(Object.entries(properties).map(([key, one]) => [key, valuesOf(one, names, key)]));
  const most = fc.record(model, { requiredKeys: required.filter((key) => key in model) });
  const fewer = fc.record(model, { requiredKeys: [] });
  const extra =
    additionalProperties === undefined || additionalProperties === false
      ? fc.constant({})
      : fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });
  return fc.tuple(fc.oneof({ weight: 5, arbitrary: most }, fewer), extra).map(([own, more]) => ({ ...more, ...own }));
}

/** What in `value` the schema does not allow; undefined where it fits. */
export function misfit(schema: Schema, value: unknown, path = "body"): string | undefined {
  const several = schema.anyOf ?? schema.oneOf;
  if (value === null && schema.nullable) return undefined;
  if (several) {
    const misfits = several.map((one) => misfit(one, value, path));
    return misfits.includes(undefined) ? undefined : misfits.find((one) => one !== undefined);
  }
  for (const one of schema.allOf ?? []) {
    const wrong = misfit(one, value, path);
    if (wrong) return wrong;
  }
  if (schema.enum && !schema.enum.includes(value))
    return `${path} is ${JSON.stringify(value)}, none of ${JSON.stringify(schema.enum)}`;
  switch (schema.type) {
    case undefined:
      return undefined;
    case "array":
      return Array.isArray(value)
        ? value.map((item, at) => misfit(schema.items ?? {}, item, `${path}[${at}]`)).find(Boolean)
        : wrongType(path, value, "array");
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value)
        ? misfitOfObject(schema, value as Record<string, unknown>, path)
        : wrongType(path, value, "object");
    case "integer":
      return Number.isInteger(value) ? undefined : wrongType(path, value, "integer");
    default:
      return typeof value === schema.type ? undefined : wrongType(path, value, schema.type);
  }
}

function misfitOfObject(
  { properties = {}, required = [], additionalProperties }: Schema,
  value: Record<string, unknown>,
  path: string,
): string | undefined {
  const missing = required.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) return `${path}.${missing} is missing`;
  for (const [key, item] of Object.entries(value)) {
    const own = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    if (own === false) return `${path}.${key} is not described`;
    const wrong = typeof own === "object" ? misfit(own, item, `${path}.${key}`) : undefined;
    if (wrong) return wrong;
  }
  return undefined;
}

function wrongType(path: string, value: unknown, wanted: string): string {
  return `${path} is ${JSON.stringify(value)?.slice(0, 80)}, not ${wanted}`;
}
