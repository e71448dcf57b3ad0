import { sameTags } from "../store/same-tags.ts";
import type { SeriesColumns } from "../store/store.ts";

/**
 * Measurements, and texts of what devices offer, of which the newest is kept to be shared: the names come from outside. A fleet has some dozens
 * of them; beyond it they are gathered anew, and each device has its own meanwhile.
 */
export const maxSharedNames = 512;
/** Characters of a text that is shared at most: the largest offers of one device are of its own. */
export const maxSharedText = 8 * 1_024;
/** Fields of one series whose names are shared at most, for the same reason. */
export const maxSharedFields = 64;

type Names = Pick<SeriesColumns, "measurement" | "tags">;

const namesOf = new Map<string, Names>();
const fieldsOf = new Map<string, readonly string[]>();
const byText = new Map<string, unknown>();

/**
 * The same name and tags as an object that other devices have as well: ten thousand devices tell the same five series, and each message brings
 * its own strings.
 */
export function sharedNames(measurement: string, tags: SeriesColumns["tags"]): Names {
  const known = namesOf.get(measurement);
  if (known && sameTags(known.tags, tags)) return known;
  return keep(namesOf, measurement, { measurement: known?.measurement ?? measurement, tags });
}

/** The names of `fields`, as a list that others share and nobody may change. */
export function sharedFields(measurement: string, fields: Readonly<Record<string, unknown>>): readonly string[] {
  const names = Object.keys(fields);
  if (names.length > maxSharedFields) return names;
  const known = fieldsOf.get(measurement);
  if (known?.length === names.length && names.every((name, at) => known[at] === name)) return known;
  return keep(fieldsOf, measurement, names);
}

/** The same as JSON, as one that others share and nobody may change: what a fleet's devices offer is nearly always the same. */
export function sharedJson<T>(value: T): T {
  const text = JSON.stringify(value);
  if (text.length > maxSharedText) return value;
  return (byText.get(text) as T | undefined) ?? keep<T>(byText as Map<string, T>, text, value);
}

function keep<T>(shared: Map<string, T>, name: string, value: T): T {
  if (shared.size >= maxSharedNames) shared.clear();
  shared.set(name, value);
  return value;
}
