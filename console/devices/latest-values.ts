import { isList, lastValue, type FieldValue } from "#shared/columns";
import type { Valued } from "#shared/filter/evaluate-filter";
import { quoted } from "#shared/printable";
import { sameTags } from "../store/same-tags.ts";
import { sharedFields, sharedNames } from "./shared-names.ts";
import type { SeriesColumns } from "../store/store.ts";
import { hasMoreTags, toldOtherwise, type ToldSeries } from "./told-otherwise.ts";

/** One series' newest sample. */
export interface Sample {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly ts: number;
  readonly fields: Readonly<Record<string, number | string | boolean>>;
  /** When those fields were taken that a sample of before has told, epoch ms. */
  readonly times?: Readonly<Record<string, number>>;
}

/** One series' newest values; `values[i]`, taken at `times[i]`, belongs to `fields[i]`. */
interface Newest extends ToldSeries {
  /** The moment as it was told; `ts` is never after the moment at which it came. */
  at: number;
  /** Shared by all devices that have them so, and so never changed in place. */
  fields: readonly string[];
  values: Value[];
  /** Undefined where all of them were taken at `ts`, as most are. */
  times: number[] | undefined;
}

type Value = Exclude<FieldValue, null>;

/** A field of which two messages say different things at one instant: in the store the later has taken the place of the earlier one. */
export interface Overwritten {
  readonly measurement: string;
  readonly field: string;
}

/** What its sender is told. */
export function whyOverwritten({ measurement, field }: Overwritten): string {
  return `two messages say different things of ${quoted(`${measurement}.${field}`)} at the same instant of the same series: the later value has taken the place of the earlier one; give each sample its own "ts" (the store's smallest step is 1 ms), or tags that tell them apart`;
}

/** Series of one device whose newest values are kept at most: their names come from outside. */
const maxLatestSeries = 2_000;
/** Fields of one series whose newest values are kept at most, their names come from outside as well; beyond it those of its newest sample alone. */
export const maxLatestFields = 1_000;
/** Newest values of one device in an answer at most: some 10 ms to write out. */
export const maxValues = 20_000;
/** Samples of one device in a list of many at most: a machine may have many file systems. */
export const maxGlances = 24;
/** The field of each measurement that tells how a device is. */
const glances: ReadonlyMap<string, string> = new Map([
  ["cpu", "usage_idle"],
  ["mem", "used_percent"],
  ["disk", "used_percent"],
  ["system", "load1"],
]);

/**
 * The newest values of one device. Batches of a device have mostly the same series in the same order, so each is looked for
 * where it was the last time before it is looked up by its name; and the values are overwritten in place. Nothing is made
 * but when somebody asks.
 */
export class LatestValues {
  readonly #byKey = new Map<string, Newest>();
  /** Those that came after another one. */
  readonly #retagged: Newest[] = [];
  /** In the order of the last batch. */
  readonly #order: Newest[] = [];

  /**
   * Keeps each field's value that is not older than the one known: a sample that leaves a field out says nothing of it.
   * @param latest the present moment, epoch ms: values of a clock that is minutes ahead and is then set right would stay in place for as long
   * @returns a value that has overwritten another one, if that is the newest
   */
  observe(series: readonly SeriesColumns[], latest = Infinity): Overwritten | undefined {
    let lost: Overwritten | undefined;
    for (const [position, one] of series.entries()) {
      const newest = this.#find(one, position);
      const at = one.times.at(-1);
      if (!newest || at === undefined) continue;
      const ts = Math.min(at, Math.round(latest));
      if (at === newest.at) {
        const field = merge(newest, one.fields);
        if (field !== undefined) lost ??= { measurement: one.measurement, field };
        continue;
      }
      take(newest, one, ts, latest);
      // What a clock that was days ahead has placed in the future, and is right again, hides nothing.
      if (ts < newest.ts && newest.ts <= latest) continue;
      newest.first = Math.min(newest.first, ts);
      newest.ts = ts;
      newest.at = at;
      if (newest.fields.length > maxLatestFields) keepOnly(newest, one.fields);
    }
    return lost;
  }

  /**
   * The newest value of a field: of the whole where the measurement has such a series (`cpu-total`), else of each series.
   * @param since samples from before this moment, epoch ms, say nothing
   */
  valued(measurement: string, field: string, since = -Infinity): Valued {
    let whole: Value | undefined;
    let wholeAt = -Infinity;
    let parts: [Newest, Value][] | undefined;
    for (const newest of this.#byKey.values()) {
      if (newest.measurement !== measurement || newest.ts < since) continue;
      const place = newest.fields.indexOf(field);
      const [value, ts] = [newest.values[place], timeOf(newest, place)];
      if (value === undefined || ts < since) continue;
      // A device that was given other tags has its whole of before in a series of its own.
      if (!isWhole(newest.tags)) (parts ??= []).push([newest, value]);
      else if (ts > wholeAt) [whole, wholeAt] = [value, ts];
    }
    if (whole !== undefined || parts === undefined) return whole;
    const over = parts.length > 1 ? this.#over() : undefined;
    const several = parts.flatMap(([newest, value]) => (over?.has(newest) ? [] : [value]));
    return several.length === 1 ? several[0] : several;
  }

  /** When the newest of all was taken, epoch ms. */
  get newest(): number | undefined {
    let newest = -Infinity;
    for (const { ts } of this.#byKey.values()) if (ts > newest) newest = ts;
    return newest === -Infinity ? undefined : newest;
  }

  /** Measurements with their fields, each as it is named in filters. */
  *names(): Generator<string, void, void> {
    for (const { measurement, fields } of this.#byKey.values())
      for (const field of fields) yield `${measurement}.${field}`;
  }

  /** As many values as there is room for in an answer. */
  list(): Sample[] {
    const samples: Sample[] = [];
    const over = this.#over();
    let room = maxValues;
    for (const newest of this.#byKey.values()) {
      if (over.has(newest)) continue;
      if ((room -= newest.fields.length) < 0) break;
      samples.push(sampleOf(newest));
    }
    return samples;
  }

  /** What a list of many devices shows of each: processor, memory, file systems, load; one value each. */
  glance(): Sample[] {
    const samples: Sample[] = [];
    const over = this.#over();
    const disks: { readonly used: number; readonly sample: Sample }[] = [];
    for (const newest of this.#byKey.values()) {
      const { measurement, tags } = newest;
      const field = glances.get(measurement);
      if (over.has(newest) || field === undefined || !(tags["cpu"] ?? "cpu-total").startsWith("cpu-total")) continue;
      const place = newest.fields.indexOf(field);
      const [value, ts] = [newest.values[place], timeOf(newest, place)];
      if (value === undefined) continue;
      const sample = { measurement, tags, ts, fields: { [field]: value } };
      if (measurement === "disk") disks.push({ used: Number(value), sample });
      else if (samples.length < maxGlances) samples.push(sample);
    }
    // File systems last: there may be more of them than there is room for. A page shows the fullest.
    if (samples.length + disks.length > maxGlances) disks.sort((a, b) => b.used - a.used);
    return [...samples, ...disks.map(({ sample }) => sample)].slice(0, maxGlances);
  }

  /** What ended when its device was given other tags: the same is told under these since. */
  #over(): ReadonlySet<ToldSeries> {
    return toldOtherwise(this.#byKey, this.#retagged);
  }

  #find(one: SeriesColumns, position: number): Newest | undefined {
    const guess = this.#order[position];
    if (guess && guess.measurement === one.measurement && sameTags(guess.tags, one.tags)) return guess;
    const found = this.#lookUp(one);
    if (found && position <= this.#order.length) this.#order[position] = found;
    return found;
  }

  #beforeOf(measurement: string, tags: SeriesColumns["tags"]): ToldSeries | undefined {
    for (const newest of this.#byKey.values())
      if (newest.measurement === measurement && (hasMoreTags(newest.tags, tags) || hasMoreTags(tags, newest.tags)))
        return newest;
    return undefined;
  }

  #lookUp({ measurement, tags }: SeriesColumns): Newest | undefined {
    const key = JSON.stringify([measurement, Object.entries(tags).sort()]);
    const known = this.#byKey.get(key);
    if (known || this.#byKey.size >= maxLatestSeries) return known;
    const names = sharedNames(measurement, tags);
    // One by one: an object that others are spread into has a shape of its own, of 400 bytes.
    const made: Newest = {
      measurement: names.measurement,
      tags: names.tags,
      ts: -Infinity,
      at: -Infinity,
      fields: none,
      values: [],
      times: undefined,
      first: Infinity,
      before: this.#beforeOf(measurement, tags),
    };
    this.#byKey.set(key, made);
    if (made.before) this.#retagged.push(made);
    return made;
  }
}

/** Whether a series is of all of its kind together: all processors, or what has no parts. */
function isWhole(tags: SeriesColumns["tags"]): boolean {
  let none = true;
  for (const name in tags) {
    if (tags[name]?.endsWith("-total")) return true;
    none = false;
  }
  return none;
}

function sampleOf(newest: Newest): Sample {
  const { measurement, tags, ts, fields, values } = newest;
  const known: Record<string, Value> = {};
  let older: Record<string, number> | undefined;
  for (const [index, field] of fields.entries()) {
    const [value, at] = [values[index], timeOf(newest, index)];
    if (value === undefined) continue;
    known[field] = value;
    if (at < ts) (older ??= {})[field] = at;
  }
  return { measurement, tags, ts, fields: known, ...(older && { times: older }) };
}

const none: readonly never[] = [];

function timeOf({ times, ts }: Newest, place: number): number {
  return times?.[place] ?? ts;
}

/** Samples of a series have mostly the same fields in the same order, each with a value. */
function take(newest: Newest, one: SeriesColumns, ts: number, latest: number): void {
  const { times } = newest;
  // A newer sample may have told nothing, so that no field is as new as the series: taken whole, all of them would be.
  const isNewest = ts >= newest.ts || newest.ts > latest;
  const isNewer = isNewest && (times?.every((time) => time <= ts || time > latest) ?? true);
  if (!isNewer || !takeWhole(newest, one.fields)) takeEach(newest, one, ts, latest);
}

/** @returns whether the sample has all fields that are known and no other ones, in their order; then they are taken */
function takeWhole(newest: Newest, fields: SeriesColumns["fields"]): boolean {
  if (newest.fields.length === 0) newest.fields = sharedFields(newest.measurement, fields);
  let place = 0;
  for (const field in fields) if (newest.fields[place++] !== field || lastValue(fields[field]!) === null) return false;
  if (place !== newest.fields.length) return false;
  // Made to measure: an array that is pushed to has room for sixteen more.
  if (newest.values.length !== place) newest.values = newest.fields.map((field) => lastValue(fields[field]!)!);
  else for (let at = 0; at < place; at++) newest.values[at] = lastValue(fields[newest.fields[at]!]!)!;
  newest.times = undefined;
  return true;
}

function takeEach(newest: Newest, { fields, times }: SeriesColumns, ts: number, latest: number): void {
  // What has no value yet was never told.
  if (newest.values.length !== newest.fields.length) newest.fields = none;
  const taken = (newest.times ??= newest.fields.map(() => newest.ts));
  let next = 0;
  for (const field in fields) {
    const column = fields[field]!;
    let value = lastValue(column);
    let at = ts;
    if (value === null && isList(column)) {
      const told = column.findLastIndex((each) => each !== null);
      value = column[told] ?? null;
      at = Math.min(times[told] ?? ts, ts);
    }
    if (value === null) continue;
    const known = newest.fields[next] === field ? next : newest.fields.indexOf(field);
    const before = taken[known];
    const place = known < 0 ? newest.fields.length : known;
    if (known < 0) newest.fields = [...newest.fields, field];
    next = place + 1;
    if (before !== undefined && at < before && before <= latest) continue;
    newest.values[place] = value;
    taken[place] = at;
  }
}

/** The same instant once more. @returns a field that had another value */
function merge(newest: Newest, fields: SeriesColumns["fields"]): string | undefined {
  let other: string | undefined;
  for (const field in fields) {
    const value = lastValue(fields[field]!);
    if (value === null) continue;
    const known = newest.fields.indexOf(field);
    // Bounded as well: a device may say ever other fields of one instant.
    if (known < 0 && newest.fields.length >= maxLatestFields) continue;
    const at = known < 0 ? newest.fields.length : known;
    if (known < 0) newest.fields = [...newest.fields, field];
    else if (timeOf(newest, at) === newest.ts && newest.values[at] !== value) other ??= field;
    newest.values[at] = value;
    if (newest.times) newest.times[at] = newest.ts;
  }
  return other;
}

function keepOnly(newest: Newest, fields: SeriesColumns["fields"]): void {
  const kept = newest.fields.flatMap((field, index) => (Object.hasOwn(fields, field) ? [index] : []));
  const { fields: names, values, times } = newest;
  newest.fields = kept.map((index) => names[index]!);
  newest.values = kept.map((index) => values[index]!);
  newest.times = times && kept.map((index) => times[index]!);
}
