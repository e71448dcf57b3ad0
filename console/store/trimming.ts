import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import type { Database } from "../database/database.ts";
import { TrimLog, type Cut } from "./trim-log.ts";

export interface TrimmingOptions {
  /** Milliseconds: older samples are let go. */
  readonly maxAge: number;
  /** Bytes: beyond it the oldest samples are let go. */
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether samples may be let go because of their age, and the latest moment that is known to have been; by the clock unless given. */
  readonly ages?: () => Ages;
}

export interface Ages {
  readonly trusted: boolean;
  readonly latest: number;
}

/** The moments (epoch ms) of the first and the last sample. */
export interface StoredSpan {
  readonly first: number | null;
  readonly last: number | null;
}

/** Milliseconds between two looks at age and size; taken on a write, never on a timer. */
const trimEvery = 60_000;
/**
 * The share of the age by which a sample may outlive it: a look at all series takes 20 µs for each, and with ten thousand devices and one each minute that was a second of
 * every minute, for a history of a month of which nothing was a minute too old.
 */
export const agedShare = 1 / 500;
/** The share of the time span that is let go when the file is too large; the double as long as that was not enough. */
const slice = 0.1;
/** Rows deleted and pages given back by one write at most, a stretch being as costly as so many rows: some 20 ms. More at once would hold up the whole process for seconds. */
const chunk = { rows: 5_000, pages: 500, stretch: 100 };
/** Series that one write looks into at most: ten thousand devices have fifty thousand, of which a look at all took a second and a half. */
export const maxTrimmedSeries = 2_000;

/** Nothing is old by a clock that may be wrong. */
export function cutByAge({ trusted, latest }: Ages, maxAge: number): Cut | undefined {
  return trusted ? { until: latest - maxAge, why: "age" } : undefined;
}

/**
 * By the order of the samples, which no clock has a say in. But those that a wrong clock has put far into the future must not make all
 * others the oldest part: the span ends at the latest moment that is known to have been.
 * @param share of the span, from its beginning on
 */
export function cutBySize({ first, last }: StoredSpan, latest: number, share: number): Cut | undefined {
  if (first === null || last === null) return undefined;
  const end = latest > first ? Math.min(last, latest) : last;
  const until = Math.min(end, first + (end - first) * share);
  return { until: Math.max(first + 1, until), why: "size" };
}

/** Keeps the embedded store within its age and size: some with each write, so that nobody waits for much of it. */
export class Trimming {
  readonly #options: TrimmingOptions;
  readonly #told: TrimLog;
  #open: { readonly database: Database; readonly statements: Statements } | undefined;
  #looked = Number.NEGATIVE_INFINITY;
  /** When all series were gone through for what is too old. */
  #aged = Number.NEGATIVE_INFINITY;
  /** What is older is being let go, some with each write. */
  #cut: Cut | undefined;
  #slice = slice;
  /** The last series that was gone through. */
  #after = 0;

  constructor(options: TrimmingOptions) {
    this.#options = options;
    this.#told = new TrimLog(options.log, options.clock);
  }

  /** To be called with each file that takes the place of the one before. */
  begin(database: Database): void {
    this.#open = { database, statements: prepare(database) };
    this.#after = 0;
  }

  /** Tells what is left to tell, and lets go of the file. */
  stop(): void {
    this.#told.stop();
    this.#open = undefined;
  }

  /** To be called with each write. @returns whether series have gone that have no sample any more */
  nowAndThen(): boolean {
    const gone = this.#trim();
    this.#told.tell();
    return gone;
  }

  #trim(): boolean {
    const now = this.#options.clock.monotonic();
    if (!this.#open || (this.#cut === undefined && now - this.#looked < trimEvery)) return false;
    const { database, statements } = this.#open;
    this.#looked = now;
    this.#cut ??= this.#byAge(now) ?? this.#bySize(database, statements);
    if (this.#cut === undefined) return false;
    const { gone, isThrough } = this.#deleteBefore(this.#cut, statements);
    if (!isThrough) return gone;
    if (this.#cut.why === "age") this.#aged = now;
    database.exec(`PRAGMA incremental_vacuum(${chunk.pages})`);
    // On at the oldest part of a file that is too large, or at the same place while there are pages to give back.
    this.#cut = this.#bySize(database, statements) ?? (sizes(database).free > 0 ? this.#cut : undefined);
    return gone;
  }

  #byAge(now: number): Cut | undefined {
    const { maxAge } = this.#options;
    return now - this.#aged < maxAge * agedShare ? undefined : cutByAge(this.#ages, maxAge);
  }

  get #ages(): Ages {
    const { ages, clock } = this.#options;
    return ages?.() ?? { trusted: true, latest: clock.now() };
  }

  #bySize(database: Database, { span }: Statements): Cut | undefined {
    if (sizes(database).used <= this.#options.maxBytes) {
      this.#slice = slice;
      return undefined;
    }
    const cut = cutBySize(span.get() as StoredSpan, this.#ages.latest, this.#slice);
    if (cut) this.#slice *= 2;
    return cut;
  }

  /**
   * Series by series, because the table is ordered by them: no index over time that every insert would pay for.
   * @returns whether a series has gone that had no sample any more, and whether none is left to look into
   */
  #deleteBefore(cut: Cut, { nextSeries, deleteBefore, deleteStretches, forgetEmpty }: Statements) {
    let left = chunk.rows;
    let rows = 0;
    let gone = false;
    let isLast = true;
    const next = nextSeries.all(this.#after, maxTrimmedSeries) as unknown as { id: number }[];
    for (const { id } of next) {
      const most = Math.max(1, Math.floor(left / chunk.stretch));
      const whole = deleteStretches.all(id, cut.until, most) as unknown as { rows: number }[];
      left -= whole.length * chunk.stretch;
      const single = deleteBefore.run(id, cut.until, Math.max(0, left)).changes;
      left -= single;
      rows += single + whole.reduce((sum, one) => sum + one.rows, 0);
      if (left <= 0 || whole.length === most) {
        isLast = false;
        break;
      }
      gone = forgetEmpty.run(id).changes > 0 || gone;
      this.#after = id;
    }
    this.#told.add(cut, rows);
    const isThrough = isLast && next.length < maxTrimmedSeries;
    if (isThrough) this.#after = 0;
    return { gone, isThrough };
  }
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database) {
  return {
    nextSeries: database.prepare("SELECT id FROM series WHERE id > ?1 ORDER BY id LIMIT ?2"),
    span: database.prepare(
      `SELECT MIN(first) AS first, MAX(last) AS last FROM (
         SELECT (SELECT MIN(ts) FROM samples WHERE series = id) AS first, (SELECT MAX(ts) FROM samples WHERE series = id) AS last FROM series
         UNION ALL SELECT (SELECT MIN(first) FROM stretches WHERE stretches.series = series.id), NULL FROM series)`,
    ),
    // A row that came late into a stretch stays as long as that: without it the stretch would say again what the row has put right.
    deleteBefore: database.prepare(
      `DELETE FROM samples WHERE series = ?1 AND ts IN (
         SELECT ts FROM samples WHERE series = ?1
           AND ts < MIN(?2, COALESCE((SELECT MIN(first) FROM stretches WHERE series = ?1), ?2)) ORDER BY ts LIMIT ?3)`,
    ),
    deleteStretches: database.prepare(
      "DELETE FROM stretches WHERE id IN (SELECT id FROM stretches WHERE series = ?1 AND first < ?2 AND last < ?2 ORDER BY first LIMIT ?3) RETURNING rows",
    ),
    forgetEmpty: database.prepare(
      `DELETE FROM series WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM samples WHERE series = ?1)
         AND NOT EXISTS (SELECT 1 FROM stretches WHERE series = ?1)`,
    ),
  };
}

/** Bytes of the pages in use and of those that could be given back. */
function sizes(database: Database): { used: number; free: number } {
  const read = (pragma: string): number =>
    Object.values(database.prepare(`PRAGMA ${pragma}`).get() as Record<string, number>)[0] ?? 0;
  const size = read("page_size");
  const free = read("freelist_count") * size;
  return { used: read("page_count") * size - free, free };
}
