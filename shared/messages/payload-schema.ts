import english from "zod/v4/locales/en.js";
import * as z from "zod/mini";
import { BadInputError } from "#shared/errors";
import { decode, payloadCap, type Encoding } from "#shared/codec";
import { maxNesting, isJson } from "#shared/nesting";

// The small zod has no sentences of its own: without a language every problem reads "Invalid input".
z.config(english());

/** A schema: the type of what passes is inferred from it, never written twice. */
export type Schema<T> = z.core.$ZodType<T>;

/** A safe integer of 0 or more: sequence numbers, milliseconds. */
export const count = z.int().check(z.nonnegative());
/** Milliseconds since 1970-01-01 UTC. */
export const epochMs = z.number().check(z.gte(0), z.lte(8.64e15));
/** A short token: boot, session and instance ids. */
export const token = z.string().check(z.minLength(1), z.maxLength(64), z.regex(/^[A-Za-z0-9._:-]+$/));
/** Text for people, one line or several. */
export const payloadText = z.string().check(z.maxLength(2_000));
/** What JSON can say. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
/** The same as a schema, by one plain loop: arguments and results. */
export const json = z.custom<Json>(
  (value) => isJson(value),
  `expected what JSON can say, with finite numbers, at most ${maxNesting} levels deep`,
);

/** An object of it. Not a schema for each entry: what one message holds of them is only bounded by its size. */
export const jsonObject = z.custom<{ [key: string]: Json }>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value) && isJson(value, maxNesting + 1),
  `expected an object of what JSON can say, with finite numbers, at most ${maxNesting} levels deep`,
);

/**
 * A list or object of so many entries at most, counted before any is looked at: a schema gathers a problem for each, and three
 * are told.
 */
export function atMost<O, I>(entries: number, schema: z.ZodMiniType<O, I>): z.ZodMiniType<O, I> {
  const isFew = (value: unknown): boolean => countEntries(value, entries) <= entries;
  return z.pipe(z.custom<I>(isFew, `expected at most ${entries} entries`), schema);
}

/** Counts no further than one beyond `most`. */
function countEntries(value: unknown, most: number): number {
  if (Array.isArray(value)) return value.length;
  let count = 0;
  if (typeof value === "object") for (const _ in value) if (++count > most) break;
  return count;
}

/** The value, if it fits. @throws BadInputError with one sentence that names each place: "args.seconds: expected number, got string" */
export function check<T>(schema: Schema<T>, value: unknown, what: string): T {
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  const [first] = result.error.issues;
  throw new BadInputError(`${what} is not valid: ${problems(result.error)}`, { path: first?.path ?? [] });
}

/** Codec, size cap and schema in one step: the only door for a payload from outside. @throws BadInputError */
export function read<T>(
  schema: Schema<T>,
  payload: Buffer,
  what: string,
  cap = payloadCap,
): { value: T; encoding: Encoding } {
  const { value, encoding } = decode(payload, cap);
  return { value: check(schema, value, what), encoding };
}

/** The first few problems of a failed check as one sentence. */
export function problems(error: z.core.$ZodError, most = 3): string {
  const shown = error.issues.slice(0, most).map((issue) => {
    const path = issue.path.map(String).join(".");
    // What is wrong with a name says the name's own problem; the outer one says only that it is there.
    const message = issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
    return path ? `${path}: ${message}` : message;
  });
  const more = error.issues.length - shown.length;
  return shown.join("; ") + (more > 0 ? `; and ${more} more` : "");
}
