import type { Database } from "../database/database.ts";
import { columns, type AuditHead } from "./audit.ts";
import { hashOf, nothingBefore, parseEntry, type AuditEntry } from "./entry.ts";

/** What a look at the whole chain has found. */
export interface Verdict {
  readonly entries: number;
  /** The first that is kept, and the last; undefined in an empty log. */
  readonly first: number | undefined;
  readonly head: AuditHead | undefined;
  /** What must not be: an entry that was changed, taken out, put in or cut off. */
  readonly problems: readonly string[];
  /** What the log itself explains: where it goes on after a copy was put back, and what has gone because of its bound. */
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

/** The word of an entry that tells of a hole in the numbers before it. */
const afterHole = "audit.forked";

/**
 * Looks at each entry, oldest first, a chunk in each step: whether it reads, whether its hash is its own, whether it carries the hash of the one
 * before, and whether the numbers have no hole but those that an entry explains; then whether the log still has what is known of it elsewhere.
 * @param witnesses heads that were kept elsewhere
 */
export function* verify(database: Database, witnesses: readonly Witness[] = []): Generator<void, Verdict, void> {
  const select = database.prepare(`SELECT ${columns} FROM audit WHERE n > ? ORDER BY n LIMIT ${chunk}`);
  const chain = new Chain(witnesses);
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
  #entries = 0;
  #untold = 0;
  #first: number | undefined;
  /** What the first that is kept carries of the one before it. */
  #base: AuditHead | undefined;
  #last: AuditHead | undefined;
  /** What the log says has gone, the newest word. */
  #trimmed: AuditHead | undefined;

  constructor(witnesses: readonly Witness[]) {
    this.#awaited = new Map(witnesses.map(({ n }) => [n, witnesses.filter((one) => one.n === n)]));
  }

  follow(row: Record<string, unknown>): void {
    this.#entries += 1;
    const n = Number(row["n"]);
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
    if (entry.what === "audit.trimmed") this.#trimmed = toOf(entry) ?? this.#trimmed;
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
    return {
      entries: this.#entries,
      first: this.#first,
      head: this.#last,
      problems: this.#problems,
      notes: this.#notes,
    };
  }

  #link({ n, prev, what, detail }: AuditEntry): void {
    const before = this.#last;
    if (what === afterHole)
      this.#notes.push(`entry ${n}: ${String(memberOf(detail, "why"))}; what is missing before it is in no entry`);
    if (!before) {
      // Begun anew, where nothing was left of the one before.
      this.#base = what === afterHole && prev === nothingBefore ? { n: 0, hash: prev } : { n: n - 1, hash: prev };
      return;
    }
    if (prev !== before.hash && before.hash !== "")
      this.#say(`entry ${n} does not follow entry ${before.n}: something was taken out, put in or changed before it`);
    if (n === before.n + 1) return;
    const isTold = what === afterHole && memberOf(detail, "after") === before.n;
    if (!isTold) this.#say(`entries ${before.n + 1} to ${n - 1} are missing`);
  }

  /** What is known elsewhere of this one. */
  #meet({ n, hash }: AuditEntry): void {
    for (const { hash: known, where } of this.#awaited.get(n) ?? [])
      if (known !== hash) this.#say(`entry ${n} is another one than ${where} knows`);
    this.#awaited.delete(n);
  }

  #beginning(): void {
    const base = this.#base;
    if (!base || (base.n === 0 && base.hash === nothingBefore)) return;
    const trimmed = this.#trimmed;
    if (trimmed?.n === base.n && trimmed.hash === base.hash)
      this.#notes.push(`entries up to ${base.n} have gone, because no more are kept`);
    else this.#say(`the beginning is missing: entries up to ${base.n}, and nothing says that they were to go`);
  }

  #say(problem: string): void {
    if (this.#problems.length < mostTold) this.#problems.push(problem);
    else this.#untold += 1;
  }
}

function toOf({ detail }: AuditEntry): AuditHead | undefined {
  const [n, hash] = [memberOf(detail, "to"), memberOf(detail, "hash")];
  return typeof n === "number" && typeof hash === "string" ? { n, hash } : undefined;
}

/** The entry's own JSON, which nobody else has written. */
function memberOf(detail: string, name: string): unknown {
  try {
    return (JSON.parse(detail) as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}
