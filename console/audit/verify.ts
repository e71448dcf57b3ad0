import type { Database } from "../database/database.ts";
import type { AuditHead } from "./audit.ts";
import { columns, hashOf, detailMember, nothingBefore, parseEntry, type AuditEntry } from "./entry.ts";
import { Sections } from "./sections.ts";
import { digestOfHashes, sectionIn, thinnedWord, type ThinnedSection } from "./thinned-section.ts";
import { forkedWord, maxAuditEntries, trimmedWord } from "./thinning.ts";

/** What a look at the whole chain has found. */
export interface Verdict {
  readonly entries: number;
  /** The first that is kept, and the last; undefined in an empty log. */
  readonly first: number | undefined;
  readonly head: AuditHead | undefined;
  /** What must not be: an entry that was changed, taken out, put in or cut off. */
  readonly problems: readonly string[];
  /** What the log itself explains: where it goes on after a copy was put back, and what has gone because of its bounds. */
  readonly notes: readonly string[];
}

/** A head that somebody has from elsewhere, and where from. */
export interface Witness extends AuditHead {
  readonly where: string;
}

/** Rows read at once: others have their turn before the next ones. */
const chunk = 200;
/** Problems told one by one; a log that was written anew by somebody has as many as entries. */
const mostTold = 20;

/**
 * Looks at each entry, oldest first, a chunk in each step: whether it reads, whether its hash is its own, whether it carries the hash of the one
 * before, and whether the numbers have no hole but those that an entry explains; whether of a section that was thinned all is there that stayed;
 * then whether the log still has what is known of it elsewhere.
 * @param witnesses heads that were kept elsewhere
 * @param whole the newest entries, of which nothing is taken out: who says that something was, in an entry of his own, is found by that
 */
export function* verify(
  database: Database,
  witnesses: readonly Witness[] = [],
  whole = maxAuditEntries,
): Generator<void, Verdict, void> {
  const select = database.prepare(`SELECT ${columns} FROM audit WHERE n > ? ORDER BY n LIMIT ${chunk}`);
  const chain = new Chain(database, witnesses, whole);
  for (let last = 0; ;) {
    const rows = select.all(last) as Record<string, unknown>[];
    for (const row of rows) chain.follow(row);
    const { n } = (rows.at(-1) ?? {}) as { n?: number };
    if (n === undefined || n <= last) break;
    last = n;
    yield;
  }
  return chain.verdict();
}

class Chain {
  readonly #problems: string[] = [];
  readonly #notes: string[] = [];
  /** By number; those that were met are gone. */
  readonly #awaited: Map<number, readonly Witness[]>;
  readonly #whole: number;
  readonly #oldest;
  readonly #rest;
  /** Sections by which holes are told, ahead of the entries that tell of them. */
  #sections: Sections;
  readonly #database: Database;
  #entries = 0;
  #untold = 0;
  #first: number | undefined;
  /** What the first that is kept carries of the one before it, and of the one before what was taken out there. */
  #base: AuditHead | undefined;
  #start: AuditHead | undefined;
  #last: AuditHead | undefined;
  /** What the log says has gone, the newest word. */
  #trimmed: AuditHead | undefined;
  /** The section told of last, how many went out of all, and the newest of which nothing is left that should be. */
  #section: ThinnedSection | undefined;
  #thinned = 0;
  #emptied = 0;

  constructor(database: Database, witnesses: readonly Witness[], whole: number) {
    this.#awaited = new Map(witnesses.map(({ n }) => [n, witnesses.filter((one) => one.n === n)]));
    this.#whole = whole;
    this.#database = database;
    this.#sections = new Sections(database);
    this.#oldest = database.prepare("SELECT n FROM audit ORDER BY n LIMIT 1");
    this.#rest = database.prepare("SELECT hash FROM audit WHERE n >= ? AND n <= ? ORDER BY n");
  }

  follow(row: Record<string, unknown>): void {
    this.#entries += 1;
    const n = Number(row["n"]);
    if (this.#last && n !== this.#last.n + 1 && this.#isBegunLater(this.#last.n)) this.#last = this.#first = undefined;
    this.#first ??= n;
    let entry: AuditEntry;
    try {
      entry = parseEntry(row);
    } catch (thrown) {
      this.#say(`entry ${n} does not read: ${String(thrown)}`);
      this.#last = { n, hash: "" };
      return;
    }
    if (hashOf(entry) !== entry.hash) this.#say(`entry ${n} was changed: its hash is not the one of what it says`);
    this.#link(entry);
    this.#meet(entry);
    if (entry.what === trimmedWord) this.#trimmed = toOf(entry) ?? this.#trimmed;
    if (entry.what === thinnedWord) this.#lookThrough(entry);
    this.#last = { n, hash: entry.hash };
  }

  verdict(): Verdict {
    const { n: end = 0 } = this.#last ?? {};
    this.#beginning();
    for (const witness of [...this.#awaited.values()].flat())
      if (witness.n > end)
        this.#say(`the end is missing: ${witness.where} knows of entry ${witness.n}, and the log ends at ${end}`);
      else if (this.#first !== undefined && witness.n >= this.#first)
        this.#say(`entry ${witness.n} is missing, of which ${witness.where} knows`);
    if (this.#untold > 0) this.#problems.push(`and ${this.#untold} more`);
    if (this.#thinned > 0 && this.#section)
      this.#notes.push(
        `of the entries up to ${this.#section.to}, ${this.#thinned} of commands and what else is frequent and harmless were taken out, as the entries ${thinnedWord} say; all that was to stay is there`,
      );
    return {
      entries: this.#entries,
      first: this.#first,
      head: this.#last,
      problems: this.#problems,
      notes: this.#notes,
    };
  }

  /** While it was looked at, its oldest have gone. */
  #isBegunLater(last: number): boolean {
    return ((this.#oldest.get() as { n: number } | undefined)?.n ?? 0) > last;
  }

  #link({ n, prev, what, detail }: AuditEntry): void {
    const before = this.#last;
    if (what === forkedWord)
      this.#notes.push(`entry ${n}: ${String(detailMember(detail, "why"))}; what is missing before it is in no entry`);
    if (!before) {
      // Begun anew, where nothing was left of the one before.
      this.#base = what === forkedWord && prev === nothingBefore ? { n: 0, hash: prev } : { n: n - 1, hash: prev };
      this.#start = this.#startOf(this.#base);
      return;
    }
    const [next, hash] = this.#over(before, n);
    if (hash !== undefined && prev !== hash && hash !== "")
      this.#say(`entry ${n} does not follow entry ${before.n}: something was taken out, put in or changed before it`);
    if (next === n) return;
    const after = what === forkedWord ? detailMember(detail, "after") : undefined;
    const isTold = typeof after === "number" && after >= before.n && after < next;
    if (!isTold) this.#say(`entries ${next} to ${n - 1} are missing`);
  }

  /**
   * Goes from an entry over what was taken out behind it, as far as that goes without a gap.
   * @returns the first number behind it, at most `n`, and the hash of the entry before that, where it is known
   */
  #over(before: AuditHead, n: number): [next: number, hash: string | undefined] {
    let next = before.n + 1;
    let hash: string | undefined = before.hash;
    while (next < n) {
      const section = this.#sections.thinnedAt(next);
      if (!section) break;
      const end = Math.min(section.to, n - 1);
      hash = end === section.to ? section.hash : undefined;
      this.#passOver(next, end, section);
      next = end + 1;
    }
    return [next, hash];
  }

  /** What is known elsewhere of those that were taken out. */
  #passOver(from: number, to: number, section: ThinnedSection): void {
    for (const [n, witnesses] of this.#awaited) {
      if (n < from || n > to) continue;
      this.#awaited.delete(n);
      for (const { hash, where } of witnesses)
        if (n !== section.to)
          this.#notes.push(`entry ${n}, of which ${where} knows, was taken out: whether it was that one nothing tells`);
        else if (hash !== section.hash) this.#say(`entry ${n} is another one than ${where} knows`);
    }
  }

  /** What is before the first that is kept, where it was taken out. */
  #startOf(base: AuditHead): AuditHead {
    const sections = new Sections(this.#database);
    let start = base;
    for (let [at, end] = [1, -1]; ;) {
      const section = sections.endingAt(at);
      if (!section || section.from > base.n) return end >= base.n ? start : base;
      if (section.gone > 0) {
        if (section.from !== end + 1) start = { n: section.from - 1, hash: section.prev };
        end = section.to;
      }
      at = section.to + 1;
    }
  }

  /** An entry that tells of a section: whether it is its turn, and what stayed is there. */
  #lookThrough({ n, detail }: AuditEntry): void {
    const section = sectionIn(detail);
    const before = this.#section;
    if (!section) return;
    const { from, to, gone, kept, rest } = section;
    const range = `entries ${from} to ${to}`;
    if (n - to < this.#whole || from <= (before?.to ?? 0) || to < from)
      return this.#say(`entry ${n} says that something was taken out of ${range}, which were not to be thinned then`);
    this.#section = section;
    if (before?.to === from - 1 && before.hash !== section.prev)
      this.#say(
        `${range} do not follow those before: something was taken out, put in or changed before they were thinned`,
      );
    this.#thinned += gone;
    const hashes = (this.#rest.all(from, to) as { hash: string }[]).map(({ hash }) => hash);
    // They may have gone since, as the oldest.
    if (hashes.length === 0 && kept > 0) this.#emptied = to;
    else if (hashes.length !== kept || digestOfHashes(hashes) !== rest)
      this.#say(`${range} are not what was left of them: something was taken out, put in or changed since`);
  }

  /** What is known elsewhere of this one. */
  #meet({ n, hash }: AuditEntry): void {
    for (const { hash: known, where } of this.#awaited.get(n) ?? [])
      if (known !== hash) this.#say(`entry ${n} is another one than ${where} knows`);
    this.#awaited.delete(n);
  }

  #beginning(): void {
    const [base, start, trimmed] = [this.#base, this.#start, this.#trimmed];
    if (!base || !start) return;
    const isTrimmed =
      trimmed !== undefined &&
      trimmed.n >= start.n &&
      trimmed.n <= base.n &&
      (trimmed.n < base.n || trimmed.hash === base.hash);
    const gone = Math.max(start.n, this.#emptied);
    if (isTrimmed && trimmed.n > 0) this.#notes.push(`entries up to ${trimmed.n} have gone, because no more are kept`);
    if (gone > (isTrimmed ? trimmed.n : 0) || (!isTrimmed && start.hash !== nothingBefore))
      this.#say(`the beginning is missing: entries up to ${gone}, and nothing says that they were to go`);
  }

  #say(problem: string): void {
    if (this.#problems.length < mostTold) this.#problems.push(problem);
    else this.#untold += 1;
  }
}

function toOf({ detail }: AuditEntry): AuditHead | undefined {
  const [n, hash] = [detailMember(detail, "to"), detailMember(detail, "hash")];
  return typeof n === "number" && typeof hash === "string" ? { n, hash } : undefined;
}
