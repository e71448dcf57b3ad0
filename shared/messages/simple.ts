import * as z from "zod/mini";
import { decode } from "#shared/codec";
import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import { briefJson, flatten, isRecord, OddFields, type OddField, type FieldScalar } from "#shared/messages/flatten";
import { tags } from "#shared/messages/metrics";
import { momentRule, readMoment, type TimeUnit } from "#shared/messages/moments";
import { measurementName, reservedNames } from "#shared/messages/names";
import { check } from "#shared/messages/payload-schema";

/** One sample; `ts` in epoch ms, where it says a time of its own. */
export interface SimpleSample {
  readonly ts?: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, FieldScalar>>;
}

/** What one message of simple samples holds, and what of it could not be stored. */
export interface SimpleMessage {
  readonly samples: readonly SimpleSample[];
  readonly odd: readonly OddField[];
  /** Odd fields beside those listed. */
  readonly more: number;
  /** How the first time was written that is not in milliseconds. */
  readonly unit?: TimeUnit;
}

/** Samples in one message at most: a second's worth at the store's smallest step. */
export const maxSamples = 1_000;

/** What came is no object, but a word or a number alone. */
export class BareValueError extends BadInputError {
  /** What it is as JSON. */
  readonly value: string;

  constructor(value: string) {
    super(`expected a JSON object with a name for each value, such as {"value":21.5}; got ${value.slice(0, 60)}`);
    this.value = value;
  }
}

/** The same message in the form that would have been taken. */
export function namedValue({ value }: BareValueError): string {
  return `{"value":${value}}`;
}

/**
 * One simple sample or a list of them: `{ts, tags, values}`, or the fields alone.
 * @param accepted whether an earlier version has taken it, by which every number was a time in milliseconds
 * @throws BadInputError
 */
export function readSimple(payload: Buffer, accepted = false): SimpleMessage {
  const value = decodeSample(payload);
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0 || list.length > maxSamples)
    throw new BadInputError(`expected 1 to ${maxSamples} samples, got ${list.length}`);
  if (!list.every(isRecord)) throw new BareValueError(briefJson(value));
  const reader = new Reader(list.length === 1, accepted);
  const samples = list.flatMap((one) => reader.read(one) ?? []);
  const { odd, unit } = reader;
  if (samples.length === 0) throw noField(odd);
  return { samples, odd: odd.list, more: odd.count - odd.list.length, ...(unit === undefined ? {} : { unit }) };
}

/** One sample of a program beside the agent. */
export interface OwnSample extends SimpleSample {
  readonly measurement: string;
}

const own = z.strictObject({
  measurement: measurementName,
  ts: z.optional(z.unknown()),
  tags: z.optional(z.unknown()),
  values: z.custom<Readonly<Record<string, unknown>>>(isRecord, "expected an object with a field for each value"),
});

/** A sample that names its measurement. Other keys are refused: a misspelt `tags` would be lost without a word. @throws BadInputError */
export function readOwn(value: unknown): { readonly sample: OwnSample; readonly odd: OddFields } {
  const { measurement, ...rest } = check(own, value, "sample");
  const reader = new Reader(false, false);
  const sample = reader.read(rest);
  const usable = Object.entries(sample?.values ?? {}).filter(([field, value]) => isUsable(field, value, reader.odd));
  if (!sample || usable.length === 0) throw noField(reader.odd);
  return { sample: { measurement, ...sample, values: Object.fromEntries(usable) }, odd: reader.odd };
}

/** Nobody behind the agent's outbox could tell the program any more. */
function isUsable(field: string, value: FieldScalar, odd: OddFields): boolean {
  const got =
    typeof value === "number" && !Number.isFinite(value)
      ? "not finite"
      : typeof value === "string" && value.length > maxTextLength
        ? "a long text"
        : typeof value === "string" && isGarbled(value)
          ? "a garbled text"
          : undefined;
  if (got !== undefined) odd.add(field, got, value);
  return got === undefined;
}

/** Characters of a text at most: what is longer is a document, not a sample. */
export const maxTextLength = 1_024;

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const unfit = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ud800-\udfff]/u;

/**
 * Whether it has a character that no text has: a control character other than tabs and line breaks, which a terminal obeys and at which a
 * database may end it, or half of a surrogate pair, which cannot be written.
 */
export function isGarbled(text: string): boolean {
  return unfit.test(text);
}

/** Keys of the flat form that are its time, in small letters, the likeliest first. */
const timeKeys: readonly string[] = ["ts", "time", "timestamp"];

class Reader {
  readonly odd = new OddFields();
  unit: TimeUnit | undefined;
  /** Whether the message has one sample alone: then its time needs no unit, because it can only be about now. */
  readonly #alone: boolean;
  readonly #accepted: boolean;
  /** A time too small to be one, and whether there was a real one: in one message they say nothing of each other. */
  #unset: number | undefined;
  #set = false;

  constructor(alone: boolean, accepted: boolean) {
    this.#alone = alone;
    this.#accepted = accepted;
  }

  /** @returns undefined where it has no field that can be stored */
  read(one: Readonly<Record<string, unknown>>): SimpleSample | undefined {
    const { values, ts: time, tags: named, ...others } = one;
    if (!isRecord(values)) return this.#flat(one);
    for (const key in others) this.odd.add(key, "a key beside values", others[key]);
    const ts = this.#time(time);
    const tagged = named === undefined || named === null ? undefined : readTags(named);
    return sampleOf(flatten(values, this.odd), ts, tagged);
  }

  #flat(one: Readonly<Record<string, unknown>>): SimpleSample | undefined {
    const fields: Record<string, unknown> = { ...one };
    let ts: number | undefined;
    for (const key of keysOfTime(one)) {
      const value = one[key];
      delete fields[key];
      const moment = readMoment(value);
      if (ts === undefined && typeof moment === "object") ts = this.#noted(moment.at, moment.unit);
      else if (this.#alone || ts !== undefined) this.odd.add(key, "no time", value);
      else throw noTime(key, value);
    }
    return sampleOf(flatten(fields, this.odd), ts);
  }

  #time(value: unknown): number | undefined {
    if (value === undefined || value === null) return undefined;
    const moment = readMoment(value);
    if (typeof moment === "object") return this.#noted(moment.at, moment.unit);
    // A clock that was never set. What stands at the arrival anyway needs no unit; distances do.
    if (this.#accepted && typeof value === "number") return value;
    // Not of anything else: an object may have a `toString` of its own.
    const number = moment === "unset" ? Number(value) : undefined;
    const isPlaced = this.#alone || (!this.#set && number === (this.#unset ??= number));
    if (number !== undefined && isPlaced) return number;
    throw noTime("ts", value);
  }

  #noted(at: number, unit: TimeUnit): number {
    if (this.#unset !== undefined && !this.#accepted) throw noTime("ts", this.#unset);
    this.#set = true;
    if (unit !== "ms") this.unit ??= unit;
    return at;
  }
}

function keysOfTime(one: Readonly<Record<string, unknown>>): string[] {
  const keys: string[] = [];
  for (const key in one) {
    if (key.length > 9 || !timeKeys.includes(key.toLowerCase())) continue;
    const value = one[key];
    if (typeof value === "number" || typeof value === "string" || typeof value === "bigint") keys.push(key);
  }
  const rank = (key: string): number => timeKeys.indexOf(key.toLowerCase());
  return keys.sort((a, b) => rank(a) - rank(b));
}

/** Numbers and yes or no are taken as their text; a tag without a value is none, to InfluxDB too. @throws BadInputError */
function readTags(named: unknown): Readonly<Record<string, string>> {
  if (!isRecord(named))
    throw new BadInputError(`sample is not valid: tags: expected an object, got ${briefJson(named)}`);
  const read = Object.entries(named).flatMap(([tag, value]) => {
    if (value === null || value === "") return [];
    if (reservedNames.has(tag))
      throw new BadInputError(`sample is not valid: tags: ${quoted(tag)} means something else to InfluxDB`);
    const isPlain = typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
    return [[tag, isPlain ? String(value) : value] as const];
  });
  return check(z.object({ tags }), { tags: Object.fromEntries(read) }, "sample").tags;
}

function sampleOf(
  values: Readonly<Record<string, FieldScalar>>,
  ts: number | undefined,
  tagged?: Readonly<Record<string, string>>,
): SimpleSample | undefined {
  for (const _ in values)
    return { ...(ts === undefined ? {} : { ts }), ...(tagged === undefined ? {} : { tags: tagged }), values };
  return undefined;
}

function noTime(key: string, value: unknown): BadInputError {
  return new BadInputError(`sample is not valid: ${key}: ${momentRule}; got ${briefJson(value)}`);
}

function noField({ list: [first] }: OddFields): BadInputError {
  const got = first ? `; ${first.field} is ${first.got}: ${first.sample}` : "";
  return new BadInputError(`sample is not valid: expected at least one field with a value${got}`);
}

/** A word, a number or another text that begins neither like JSON's objects and lists nor like CBOR's is named in the complaint. */
function decodeSample(payload: Buffer): unknown {
  const text = payload.toString("utf8").trim();
  const first = payload[0] ?? 0;
  if (text === "" || /^[[{]/.test(text) || (first >= 0x80 && first <= 0xbf) || text.includes("\ufffd"))
    return decode(payload).value;
  throw new BareValueError(briefJson(bare(text)));
}

function bare(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.slice(0, 200);
  }
}
