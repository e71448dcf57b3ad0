import type { Database } from "../database/database.ts";
import { columns, hashOf, nothingBefore, parseEntry, type AuditEntry, type AuditEvent } from "./entry.ts";
import { Sections } from "./sections.ts";
import {
  byItself,
  digestOfHashes,
  mayGo,
  sectionIn,
  thinnedEvent,
  thinnedWord,
  type ThinnedSection,
} from "./thinned-section.ts";

/**
 * Newest entries that are kept whole, some 300 bytes each and 3 KB at worst: two for each command that is kept, or years of anything else. They
 * are in the file that is looked at page by page at each start.
 */
export const maxAuditEntries = 200_000;
/** Numbers of a section that is looked through at once: some 10 ms, once for so many entries. */
export const sectionSize = 1_000;
/**
 * Entries kept behind the newest: of a flood that never ends each section leaves one, so that it takes 50 million entries to drive out what else there is.
 */
export const maxOlderEntries = 50_000;

export interface AuditBounds {
  /** {@link maxAuditEntries} unless given. */
  readonly most: number;
  /** {@link maxOlderEntries} unless given. */
  readonly older: number;
}

/** The word of an entry that says how far the oldest have gone; and of one that tells of a hole in the numbers before it. */
export const trimmedWord = "audit.trimmed";
export const forkedWord = "audit.forked";

/**
 * What becomes of entries that are older than the newest: what is frequent and harmless is taken out of them, a section at a time, and beyond a number
 * the oldest sections go wholly. Each time within the transaction of the entry by which there are too many: whole, or not at all.
 */
export class Thinning {
  readonly #database: Database;
  readonly #bounds: AuditBounds;

  constructor(database: Database, bounds: AuditBounds) {
    this.#database = database;
    this.#bounds = bounds;
  }

  /** Whether a log that ends at `n` has a section too many behind `next`. */
  isDue(n: number, next: number): boolean {
    return n - next + 1 >= this.#bounds.most + sectionSize;
  }

  /** The first entry that was not looked through yet; undefined in an empty log. */
  next(): number | undefined {
    const { to = 0 } = this.#before() ?? {};
    const row = this.#database.prepare("SELECT n FROM audit WHERE n > ? ORDER BY n LIMIT 1").get(to);
    return (row as { n: number } | undefined)?.n;
  }

  /** Looks the section through that begins with an entry. @returns what the log is to say of it, in this order */
  thin(from: number): readonly AuditEvent[] {
    const to = from + sectionSize - 1;
    const rows = this.#database
      .prepare(`SELECT ${columns} FROM audit WHERE n >= ? AND n <= ? ORDER BY n`)
      .all(from, to) as Record<string, unknown>[];
    const before = this.#before();
    const read = this.#read(rows, to, before);
    // What was changed or taken out by somebody stays to be found.
    const entries = typeof read === "string" ? [] : read;
    const gone = entries.filter(mayGo);
    this.#database
      .prepare("DELETE FROM audit WHERE n IN (SELECT value FROM json_each(?))")
      .run(JSON.stringify(gone.map(({ n }) => n)));
    const taken = new Set(gone.map(({ n }) => n));
    const rest = rows.filter(({ n }) => !taken.has(n as number)).map(({ hash }) => String(hash));
    const older = (before?.older ?? 0) + rest.length;
    const [trimmed, fewer] = older > this.#bounds.older ? this.#trim(to) : [undefined, 0];
    const told: ThinnedSection = {
      from,
      to,
      gone: gone.length,
      digest: digestOfHashes(gone.map(({ hash }) => hash)),
      kept: rest.length,
      rest: digestOfHashes(rest),
      prev: hexOf(rows[0]?.["prev"]),
      hash: hexOf(rows.at(-1)?.["hash"]),
      older: Math.max(0, older - fewer),
    };
    const event = thinnedEvent(told, gone, typeof read === "string" ? read : undefined);
    return trimmed ? [event, trimmed] : [event];
  }

  /** What the log says of the section before the next one, in the newest entry of these that reads. */
  #before(): ThinnedSection | undefined {
    const told = this.#database.prepare(
      `SELECT n, detail FROM audit WHERE what = '${thinnedWord}' AND n < ? ORDER BY n DESC LIMIT 1`,
    );
    for (let end = Number.MAX_SAFE_INTEGER; ;) {
      const row = told.get(end) as { n: number; detail: string } | undefined;
      const section = row && sectionIn(row.detail);
      if (!row || section) return section;
      end = row.n;
    }
  }

  /** The entries of a section, or why it is not as it was written. */
  #read(
    rows: readonly Record<string, unknown>[],
    to: number,
    before: ThinnedSection | undefined,
  ): AuditEntry[] | string {
    const behind = this.#database.prepare(`SELECT ${columns} FROM audit WHERE n > ? ORDER BY n LIMIT 1`).get(to);
    let last: Pick<AuditEntry, "n" | "hash"> | undefined = before && { n: before.to, hash: before.hash };
    const entries: AuditEntry[] = [];
    try {
      for (const row of [...rows, ...(behind ? [behind as Record<string, unknown>] : [])]) {
        const entry = parseEntry(row);
        const { n, hash, prev } = entry;
        if (last && prev !== last.hash) return `entry ${n} does not follow the one before`;
        // Behind a hole of the numbers that it tells of, its hash is all that can be looked at.
        if (last && n !== last.n + 1 && entry.what !== forkedWord) return `entry ${n - 1} is missing`;
        if (hashOf(entry) !== hash) return `entry ${n} was changed`;
        last = { n, hash };
        entries.push(entry);
      }
    } catch {
      return `an entry of them does not read`;
    }
    return behind ? entries.slice(0, -1) : entries;
  }

  /** The oldest sections go, as many as have a section's number of entries. @returns what the log is to say, and how many went */
  #trim(newest: number): [event: AuditEvent | undefined, went: number] {
    const enough = this.#database.prepare(`SELECT n FROM audit ORDER BY n LIMIT 1 OFFSET ${sectionSize - 1}`).get() as
      | { n: number }
      | undefined;
    if (!enough) return [undefined, 0];
    // To the end of a section: those beside it are whole, and can be looked at as before.
    const end = new Sections(this.#database).endingAt(enough.n)?.to ?? newest;
    const { changes } = this.#database.prepare("DELETE FROM audit WHERE n <= ?").run(end);
    const first = this.#database.prepare("SELECT n, prev FROM audit ORDER BY n LIMIT 1").get() as {
      n: number;
      prev: string;
    };
    const detail = { to: first.n - 1, hash: first.prev };
    return [{ ...byItself, what: trimmedWord, detail }, changes];
  }
}

/** What was damaged must not keep what is said of it from being read. */
function hexOf(hash: unknown): string {
  return typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash) ? hash : nothingBefore;
}
