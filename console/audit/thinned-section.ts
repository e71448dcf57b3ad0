import { createHash } from "node:crypto";
import * as z from "zod/mini";
import type { AuditEntry, AuditEvent } from "./entry.ts";

/** The word of an entry that stands for what was taken out of a section of the log. */
export const thinnedWord = "audit.thinned";

/**
 * What happens often, and as often as anybody wants who may do it at all: it goes out of the older part of the log, so that no flood of it drives
 * the rest out. A word that is not here stays: of logins, refusals, accounts, devices, keys and settings each is the only trace of itself.
 */
export const thinnedWords: ReadonlySet<string> = new Set([
  "command.sent",
  "command.ended",
  "command.cancelled",
  "job.created",
  "job.ended",
  "job.paused",
  "job.resumed",
  "job.cancelled",
  "schedule.missed",
  "file.given",
  "file.taken",
  "file.forgotten",
  "favourite.kept",
  "favourite.forgotten",
  "view.kept",
  "view.forgotten",
  "notice.given-up",
  "console.started",
  "console.stopped",
  "broker.started",
  "broker.stopped",
]);

/** Whether an entry may go: what was refused stays, whatever it was. */
export function mayGo({ what, result }: Pick<AuditEntry, "what" | "result">): boolean {
  return thinnedWords.has(what) && !result.startsWith("refused");
}

/** Names of those of whom most has gone that stand in the entry: it has room for them at their longest. */
const named = 3;

/** What an entry `audit.thinned` says of a section. */
export interface ThinnedSection {
  /** The numbers that it has, both among them. */
  readonly from: number;
  readonly to: number;
  /** Entries that went, and the SHA-256 over their hashes, each in a line, by which a copy of them can be checked. */
  readonly gone: number;
  readonly digest: string;
  /** Entries that stayed, and the same over theirs. */
  readonly kept: number;
  readonly rest: string;
  /** The hash that the section's first entry carries, and that of its last one: by them it hangs together with those beside it. */
  readonly prev: string;
  readonly hash: string;
  /** Entries that are kept in this and all sections before. */
  readonly older: number;
}

const hex = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const count = z.number().check(z.int(), z.gte(0));
const section = z.object({
  from: count,
  to: count,
  gone: count,
  digest: hex,
  kept: count,
  rest: hex,
  prev: hex,
  hash: hex,
  older: count,
});

/** What an entry's detail says of a section; undefined where it says nothing that reads. */
export function sectionIn(detail: string): ThinnedSection | undefined {
  try {
    const { success, data } = section.safeParse(JSON.parse(detail));
    return success ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Over hashes of entries, in their order, as `sha256sum` makes it of lines. */
export function digestOfHashes(hashes: Iterable<string>): string {
  const made = createHash("sha256");
  for (const hash of hashes) made.update(`${hash}\n`);
  return made.digest("hex");
}

/** The entry that stands for what has gone. @param why it was left as it is */
export function thinnedEvent(told: ThinnedSection, gone: readonly AuditEntry[], why?: string): AuditEvent {
  const [first, last] = [gone[0]?.ts, gone.at(-1)?.ts];
  const of = most(gone.map(({ what }) => what)).map(([what, times]) => `${what}: ${times}`);
  const by = most(gone.map(({ who }) => who)).map(([who, times]) => `${who}: ${times}`);
  const detail = { ...told, since: first, until: last, of, by: by.slice(0, named) };
  const on = `${told.from}-${told.to}`;
  return { ...byItself, what: thinnedWord, on, result: why === undefined ? "ok" : `failed: ${why}`, detail };
}

/** What Muster does by itself. */
export const byItself = { who: "console", from: "console" } as const;

function most(words: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a);
}
