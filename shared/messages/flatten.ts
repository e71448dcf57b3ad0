import { BadInputError } from "#shared/errors";
import { maxSpread } from "#shared/messages/batch-check";
import { isName, maxNameLength } from "#shared/messages/names";
import { forTerminalJson } from "#shared/printable";

export type FieldScalar = number | string | boolean;

/** One field that cannot be stored: its name fit to be shown, what it is, and what it is like. */
export interface OddField {
  readonly field: string;
  readonly got: OddKind;
  readonly sample: string;
}

export type OddKind =
  | "a list"
  | "a long list"
  | "too deep"
  | "bytes"
  | "an unfit name"
  | "a name twice"
  | "a key beside values"
  | "no time"
  | "not finite"
  | "a long text"
  | "a garbled text";

/** Objects within one another that become one name (`a_b_c`): what devices send has four, and a name beyond eight is no name. */
export const maxFieldDepth = 8;
/** Numbers of one list that become fields (`power_0`, `power_1`): phases and channels have numbers, what is longer is a recording. */
export const maxArrayLength = 64;
/** Odd fields of one message that are told apart: a message has room for thousands, and a few hundred say how it is broken. */
export const maxOdd = 500;
/** Characters of an odd field's name and of its value that are shown. */
const maxShownLength = 120;

/** What could not be stored of a message. */
export class OddFields {
  readonly list: OddField[] = [];
  /** How many there were. */
  count = 0;

  add(field: string, got: OddKind, value: unknown): void {
    this.count += 1;
    if (this.list.length < maxOdd) this.list.push({ field: shown(field), got, sample: sampleOf(value) });
  }
}

/**
 * An object's fields as one level: what is within another object has both names (`ENERGY_Power`), numbers in a list have their place
 * (`Power_0`), and null is left out. What remains is odd, each alone.
 * @throws BadInputError for more fields than a series may have
 */
export function flatten(object: Readonly<Record<string, unknown>>, odd: OddFields): Record<string, FieldScalar> {
  const fields = new Map<string, FieldScalar>();
  const put = (field: string, value: FieldScalar): void => {
    if (!isName(field)) return odd.add(field, "an unfit name", value);
    if (fields.has(field)) return odd.add(field, "a name twice", value);
    if (fields.size >= maxSpread.fieldsOfSeries)
      throw new BadInputError(
        `sample is not valid: expected at most ${maxSpread.fieldsOfSeries} entries, each a field`,
      );
    fields.set(field, value);
  };
  const walk = (entries: Readonly<Record<string, unknown>>, prefix: string, level: number): void => {
    const within: [string, Readonly<Record<string, unknown>>][] = [];
    for (const key in entries) {
      const field = prefix + key;
      const value = entries[key];
      if (value === null || value === undefined) continue;
      if (isValue(value)) put(field, value);
      else if (typeof value === "bigint") put(field, Number(value));
      else if (Array.isArray(value)) numbers(field, value);
      else if (!isRecord(value)) odd.add(field, "bytes", "…");
      else if (level >= maxFieldDepth || field.length >= maxNameLength) odd.add(field, "too deep", value);
      else within.push([`${field}_`, value]);
    }
    // Names that are there as they are go before those that are made.
    for (const [inner, value] of within) walk(value, inner, level + 1);
  };
  const numbers = (field: string, list: readonly unknown[]): void => {
    if (!list.every((one) => one === null || typeof one === "number")) return odd.add(field, "a list", list);
    if (list.length > maxArrayLength) return odd.add(field, "a long list", list);
    for (const [at, one] of list.entries()) if (one !== null) put(`${field}_${at}`, one);
  };
  walk(object, "", 1);
  return Object.fromEntries(fields);
}

/** Whether it is an object with keys, and neither a list nor bytes. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isValue(value: unknown): value is FieldScalar {
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean";
}

/** A name that cannot be stored can still be told. */
function shown(field: string): string {
  if (isName(field)) return field;
  return forTerminalJson(JSON.stringify(field.slice(0, maxShownLength))).replaceAll("\n", "");
}

function sampleOf(value: unknown): string {
  return briefJson(value).slice(0, maxShownLength);
}

/** For people; what JSON has no word for, as text. */
export function briefJson(value: unknown): string {
  const text: unknown = JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? String(one) : one));
  return typeof text === "string" ? text : "nothing";
}
