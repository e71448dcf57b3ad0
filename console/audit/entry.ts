import { createHash } from "node:crypto";
import * as z from "zod/mini";
import { forTerminal } from "#shared/printable";
import { instant, parserOf } from "../database/row-fields.ts";

/** What an entry may say beside who, what and on what: flat, and written as it is. */
export type AuditDetail = Readonly<
  Record<string, string | number | boolean | null | readonly (string | number)[] | undefined>
>;

/** Something that somebody did, or tried to do. */
export interface AuditEvent {
  /** The account's name, the device's id, or `console` for what Muster does by itself. */
  readonly who: string;
  /** The address it came from; `cli` for a command line on this machine, `mqtt` where the broker tells no address. */
  readonly from: string;
  /** A dotted word: `device.enrolled`, `login.refused`. */
  readonly what: string;
  /** What it was done to: a device, an account, a job, a setting. */
  readonly on?: string | undefined;
  /** How it went: `ok` unless given. */
  readonly result?: string | undefined;
  readonly detail?: AuditDetail | undefined;
}

/** One line of the log, as it was written. */
export interface AuditEntry {
  /** Grows by one with each entry; a hole is explained by the entry after it. */
  readonly n: number;
  /** Epoch ms. */
  readonly ts: number;
  readonly who: string;
  readonly from: string;
  readonly what: string;
  readonly on: string;
  readonly result: string;
  /** JSON text of an object. */
  readonly detail: string;
  /** The hash of the entry before; of the first one, {@link nothingBefore}. */
  readonly prev: string;
  /** SHA-256 over {@link canonical}, in hex. */
  readonly hash: string;
}

/** The columns of the table, by the names of an entry. */
export const columns = `n, ts, who, source AS "from", what, object AS "on", result, detail, prev, hash`;

/** The result of an entry whose end another one tells. */
export const begun = "begun";

export const nothingBefore = "0".repeat(64);

/** Characters of each part of an entry: text of devices and strangers stands in it, and must not fill the disk. */
export const maxLength = { who: 100, from: 100, what: 60, on: 200, result: 300, text: 500, detail: 2_000 } as const;
/** Of a list in an entry's detail that many are named. */
export const maxNames = 20;

const word = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+$/;

/**
 * The entry that an event becomes. Every text is one line of characters that a terminal shows and does not obey, and stands in JSON: none can
 * pass for another entry, nor for another part of its own.
 */
export function entryOf(event: AuditEvent, place: Pick<AuditEntry, "n" | "ts" | "prev">): AuditEntry {
  const { who, from, what, on = "", result = "ok", detail = {} } = event;
  if (!word.test(what) || what.length > maxLength.what)
    throw new Error(`${JSON.stringify(what)} is no word of the audit log: expected one like device.enrolled`);
  const entry = {
    ...place,
    who: forTerminal(who, maxLength.who),
    from: forTerminal(from, maxLength.from),
    what,
    on: forTerminal(on, maxLength.on),
    result: forTerminal(result, maxLength.result),
    detail: detailText(detail),
  };
  return { ...entry, hash: hashOf(entry) };
}

/** What the hash is made over, as UTF-8: the entry as JSON, its members in this order, without spaces and without the hash. */
export function canonical({ n, ts, who, from, what, on, result, detail, prev }: Omit<AuditEntry, "hash">): string {
  const text = JSON.stringify({ n, ts, who, from, what, on, result });
  return `${text.slice(0, -1)},"detail":${detail},"prev":${JSON.stringify(prev)}}`;
}

/** The entry as a line of an export: {@link canonical} with the hash as its last member, so that it can be checked without Muster. */
export function lineOf(entry: AuditEntry): string {
  return `${canonical(entry).slice(0, -1)},"hash":${JSON.stringify(entry.hash)}}`;
}

export function hashOf(entry: Omit<AuditEntry, "hash">): string {
  return createHash("sha256").update(canonical(entry)).digest("hex");
}

function detailText(detail: AuditDetail): string {
  const clean = Object.entries(detail).flatMap(([key, value]) => (value === undefined ? [] : [[key, cleaned(value)]]));
  const text = JSON.stringify(Object.fromEntries(clean));
  return text.length <= maxLength.detail ? text : JSON.stringify({ cut: text.slice(0, maxLength.text) });
}

function cleaned(value: Exclude<AuditDetail[string], undefined>): unknown {
  if (typeof value === "string") return forTerminal(value, maxLength.text);
  if (typeof value !== "object" || value === null) return value;
  const named = value.slice(0, maxNames).map((one) => cleaned(one));
  return value.length > maxNames ? [...named, `and ${value.length - maxNames} more`] : named;
}

/** What the log itself says in an entry's detail; undefined where it says nothing of that. */
export function detailMember(detail: string, name: string): unknown {
  try {
    return (JSON.parse(detail) as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

const line = z.string().check(z.maxLength(maxLength.detail * 2));
const digest = z.string().check(z.regex(/^[0-9a-f]{64}$/));
/** A row as it was written. It throws for one that does not read: a bit has turned, or somebody was at it. */
export const parseEntry = parserOf<AuditEntry>(
  z.object({
    n: z.number().check(z.int(), z.gte(1)),
    ts: instant,
    who: line,
    from: line,
    what: line,
    on: line,
    result: line,
    detail: line,
    prev: digest,
    hash: digest,
  }),
);
