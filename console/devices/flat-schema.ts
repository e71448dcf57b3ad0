import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import type { Json } from "#shared/messages/payload-schema";

/**
 * What the console takes of a device's JSON Schema: a flat, counted part, copied keyword by keyword; the rest is the device's to
 * check. A schema is input from outside. One of 1.4 kB whose levels name the next one twice (`anyOf` of `$ref`) has 2^n paths,
 * and a regular expression may take for ever: what is copied has no references, is never compiled, and a `pattern` is only shown.
 */
export interface FlatSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly Scalar[];
  readonly const?: Scalar;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, FlatSchema>>;
  readonly required?: readonly string[];
  /** False where properties are named and nothing is said: a mistyped argument is refused. */
  readonly additionalProperties?: boolean | FlatSchema;
  readonly items?: FlatSchema;
  /** Alternatives without parts of their own, such as a number or nothing. */
  readonly anyOf?: readonly FlatSchema[];
  /** For people, and for the form on the page. */
  readonly title?: string;
  readonly description?: string;
  readonly pattern?: string;
  readonly default?: Json;
}
export type Scalar = string | number | boolean | null;

/** Schemas, choices and names in one command's schema: a form of 60 inputs. Each is looked at once for each value it meets. */
export const maxSchemaNodes = 256;
/** Levels of schemas in schemas. What is deeper is no form any more. */
export const maxSchemaDepth = 4;
/** Alternatives in one place. */
export const maxAlternatives = 8;
/** Characters of a title, a name, a choice: a line. */
export const maxWordLength = 500;

/** Keywords that say what we cannot say flatly. With them, even what is beside them may mean something else. */
const refused =
  "$ref $dynamicRef $recursiveRef $defs definitions allOf not if then else contains patternProperties dependentSchemas prefixItems unevaluatedProperties unevaluatedItems".split(
    " ",
  );
const types = new Set(["string", "number", "integer", "boolean", "null", "array", "object"]);
const numbers = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"] as const;
const counts = ["minLength", "maxLength", "minItems", "maxItems"] as const;
const words = ["title", "description", "pattern"] as const;

type Raw = Readonly<Record<string, Json>>;

/** The flat schema of a command's arguments. @throws BadInputError that says which part is not taken */
export function flatSchemaOf(schema: Raw): FlatSchema {
  const taken = new Copy().schema(schema, "", 1);
  if (taken.type !== undefined && taken.type !== "object") throw new BadInputError(`arguments are an object`);
  return taken;
}

/** One copying: counts as it goes, so that what is refused costs no more than what is taken. */
class Copy {
  #nodes = 0;

  schema(value: Json | undefined, path: string, depth: number, alternative = false): FlatSchema {
    this.#count(1);
    if (!isObject(value)) throw misses(path, "is no schema");
    if (depth > maxSchemaDepth) throw misses(path, `is nested deeper than ${maxSchemaDepth} levels`);
    const word = refused.find((one) => Object.hasOwn(value, one));
    if (word !== undefined) throw misses(path, `uses ${word}`);
    const flat = { ...this.#bounds(value, path), ...this.#choices(value, path), ...shown(value, path) };
    const parts = this.#parts(value, path, depth);
    if (alternative && Object.keys(parts).length > 0) throw misses(path, "is an alternative with parts of its own");
    return { ...flat, ...parts, ...this.#default(value) };
  }

  #bounds(value: Raw, path: string): FlatSchema {
    const { type } = value;
    const list = Array.isArray(type) ? type : [type];
    if (type !== undefined && (list.length > types.size || !list.every((one) => types.has(one as string))))
      throw misses(path, "has a type that JSON does not know");
    const wrong = [
      ...numbers.filter((name) => value[name] !== undefined && !Number.isFinite(value[name])),
      ...counts.filter((name) => value[name] !== undefined && !isCount(value[name])),
    ];
    if (wrong[0] !== undefined) throw misses(path, `has a ${wrong[0]} that is no number of its kind`);
    return pick(value, ["type", ...numbers, ...counts]);
  }

  #choices(value: Raw, path: string): FlatSchema {
    const { enum: choices, const: only } = value;
    if (choices !== undefined && !Array.isArray(choices)) throw misses(path, "has an enum that is no list");
    const all = [...(choices ?? []), ...(only === undefined ? [] : [only])];
    this.#count(all.length);
    if (!all.every(isScalar)) throw misses(path, "chooses among other things than texts, numbers, booleans and null");
    return pick(value, ["enum", "const"]);
  }

  #parts(value: Raw, path: string, depth: number): FlatSchema {
    const { properties, required, additionalProperties: more, items, anyOf, oneOf } = value;
    const alternatives = anyOf ?? oneOf;
    return {
      ...(properties === undefined ? {} : { properties: this.#properties(properties, path, depth) }),
      ...(required === undefined ? {} : { required: this.#names(required, path) }),
      ...(more === undefined ? {} : { additionalProperties: this.#more(more, path, depth) }),
      ...(items === undefined ? {} : { items: this.schema(items, `${path}[]`, depth + 1) }),
      ...(alternatives === undefined ? {} : { anyOf: this.#alternatives(alternatives, path, depth) }),
    };
  }

  #properties(value: Json, path: string, depth: number): Record<string, FlatSchema> {
    if (!isObject(value)) throw misses(path, "has properties that are no object");
    const names = this.#names(Object.keys(value), path);
    return Object.fromEntries(
      names.map((name) => [name, this.schema(value[name], path ? `${path}.${name}` : name, depth + 1)]),
    );
  }

  #names(value: Json, path: string): readonly string[] {
    if (!Array.isArray(value)) throw misses(path, "has a list of required names that is none");
    this.#count(value.length);
    const wrong = value.some((one) => typeof one !== "string" || one.length > maxWordLength || one === "__proto__");
    if (wrong) throw misses(path, "has a property's name that cannot be taken");
    return value as string[];
  }

  #more(value: Json, path: string, depth: number): boolean | FlatSchema {
    return typeof value === "boolean" ? value : this.schema(value, `${path}.*`, depth + 1);
  }

  #alternatives(value: Json, path: string, depth: number): readonly FlatSchema[] {
    if (!Array.isArray(value) || value.length > maxAlternatives)
      throw misses(path, `has more than ${maxAlternatives} alternatives`);
    return value.map((one) => this.schema(one, path, depth, true));
  }

  /** Shown in the form; one that is not flat is left out. */
  #default({ default: given }: Raw): FlatSchema {
    return isScalar(given) && given !== undefined ? { default: given } : {};
  }

  #count(more: number): void {
    this.#nodes += more;
    if (this.#nodes > maxSchemaNodes) throw new BadInputError(`it has more than ${maxSchemaNodes} parts`);
  }
}

function shown(value: Raw, path: string): FlatSchema {
  const long = words.find((word) => value[word] !== undefined && !isWord(value[word]));
  if (long !== undefined) throw misses(path, `has a ${long} that is no text of up to ${maxWordLength} characters`);
  return pick(value, words);
}

function misses(path: string, what: string): BadInputError {
  return new BadInputError(path === "" ? `it ${what}` : `${quoted(path)} ${what}`);
}

function pick(value: Raw, names: readonly string[]): FlatSchema {
  return Object.fromEntries(names.filter((name) => value[name] !== undefined).map((name) => [name, value[name]]));
}

function isObject(value: Json | undefined): value is Record<string, Json> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isScalar(value: Json | undefined): value is Scalar {
  return value === null || typeof value === "number" || typeof value === "boolean" || isWord(value);
}

function isWord(value: Json | undefined): value is string {
  return typeof value === "string" && value.length <= maxWordLength;
}

function isCount(value: Json | undefined): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
