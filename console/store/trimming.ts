import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import type { Database } from "../database/database.ts";
import { ageOf, isThinning, type Keeping } from "./keeping.ts";
import { dayLength } from "./rollup/day-finder.ts";
import { DayTrimmer } from "./rollup/day-trimmer.ts";
import { TrimLog, type Cut, type CutMoments } from "./trim-log.ts";

export interface TrimmingOptions extends Keeping {
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
/** The parts of the whole size that samples and their roll-ups have a right to: what has less leaves the rest to the others. */
const shares = { samples: 0.5, minutes: 0.3, quarters: 0.2 } as const satisfies Record<keyof CutMoments, number>;

/** Nothing is old by a clock that may be wrong. */
export function cutByAge({ trusted, latest }: Ages, keeping: Keeping): Cut | undefined {
  if (!trusted) return undefined;
  const { minutes, quarters } = ageOf(keeping);
  const until = { samples: latest - keeping.maxAge, minutes: latest - minutes, quarters: latest - quarters };
  const told = until.samples;
  // Samples that wait for their roll-ups stay until they have these, or are too old for any.
  return { until, told, why: "age", bare: isThinning(keeping) ? Math.min(...Object.values(until)) : told };
}

/**
 * By the order of the samples, which no clock has a say in. But those that a wrong clock has put far into the future must not make all
 * others the oldest part: the span ends at the latest moment that is known to have been.
 * @param share of the span, from its beginning on
 */
export function endOfOldest({ first, last }: StoredSpan, latest: number, share: number): number | undefined {
  if (first === null || last === null) return undefined;
  const end = latest > first ? Math.min(last, latest) : last;
  return Math.max(first + 1, Math.min(end, first + (end - first) * share));
}

/** Keeps the embedded store within its ages and its size: some with each write, so that nobody waits for much of it. */
export class Trimming {
  readonly #options: TrimmingOptions;
  readonly #told: TrimLog;
  #open: { readonly database: Database; readonly statements: Statements; readonly days: DayTrimmer } | undefined;
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
    this.#open = { database, statements: prepare(database), days: new DayTrimmer(database, chunk.stretch) };
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
    const { gone, isThrough } = this.#deleteBefore(this.#cut, statements, this.#open.days);
    if (!isThrough) return gone;
    if (this.#cut.why === "age") this.#aged = now;
    database.exec(`PRAGMA incremental_vacuum(${chunk.pages})`);
    // On at the oldest part of a file that is too large, or at the same place while there are pages to give back.
    this.#cut = this.#bySize(database, statements) ?? (sizes(database).free > 0 ? this.#cut : undefined);
    return gone;
  }

  #byAge(now: number): Cut | undefined {
    const { maxAge } = this.#options;
    return now - this.#aged < maxAge * agedShare ? undefined : cutByAge(this.#ages, this.#options);
  }

  get #ages(): Ages {
    const { ages, clock } = this.#options;
    return ages?.() ?? { trusted: true, latest: clock.now() };
  }

  /** Of what has most beyond its share, the oldest. */
  #bySize(database: Database, statements: Statements): Cut | undefined {
    const { used } = sizes(database);
    if (used <= this.#options.maxBytes) {
      this.#slice = slice;
      return undefined;
    }
    const { minutes, quarters } = statements.bytes.get() as Record<"minutes" | "quarters", number>;
    const beyond = (what: keyof CutMoments, bytes: number) => ({ what, by: bytes / shares[what] });
    const all = [
      beyond("samples", used - minutes - quarters),
      beyond("minutes", minutes),
      beyond("quarters", quarters),
    ];
    const [{ what } = { what: "samples" as const }] = all.toSorted((a, b) => b.by - a.by);
    const span = statements[what === "samples" ? "span" : what].get() as unknown as StoredSpan;
    const end = endOfOldest(span, this.#ages.latest, this.#slice);
    if (end === undefined) return undefined;
    this.#slice *= 2;
    // The day in which that is goes as a whole.
    const bare = what === "samples" ? end : nothing.samples;
    return { until: { ...nothing, [what]: end + dayLength }, told: end, why: "size", bare };
  }

  /**
   * Series by series, because the table is ordered by them: no index over time that every insert would pay for.
   * @returns whether a series has gone that had no sample any more, and whether none is left to look into
   */
  #deleteBefore(cut: Cut, { nextSeries, deleteBefore, deleteStretches, forgetEmpty }: Statements, days: DayTrimmer) {
    let left = chunk.rows;
    let [rows, lost] = [0, 0];
    let gone = false;
    let isLast = true;
    const next = nextSeries.all(this.#after, maxTrimmedSeries) as unknown as { id: number }[];
    for (const { id } of next) {
      const rolled = days.letGo(id, cut.until, left);
      left -= rolled.cost;
      rows += rolled.rows;
      lost += rolled.days;
      const most = Math.max(1, Math.floor(left / chunk.stretch));
      const whole = left > 0 ? (deleteStretches.all(id, cut.bare, most) as unknown as { rows: number }[]) : [];
      left -= whole.length * chunk.stretch;
      const single = left > 0 ? deleteBefore.run(id, cut.bare, left).changes : 0;
      left -= single;
      rows += single + whole.reduce((sum, one) => sum + one.rows, 0);
      if (left <= 0 || whole.length === most) {
        isLast = false;
        break;
      }
      gone = forgetEmpty.run(id).changes > 0 || gone;
      this.#after = id;
    }
    this.#told.add(cut, { rows, days: lost });
    const isThrough = isLast && next.length < maxTrimmedSeries;
    if (isThrough) this.#after = 0;
    return { gone, isThrough };
  }
}

const nothing: CutMoments = { samples: -Number.MAX_VALUE, minutes: -Number.MAX_VALUE, quarters: -Number.MAX_VALUE };

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database) {
  const spanOf = (step: string): string =>
    `SELECT MIN(first) AS first, MAX(last) AS last FROM (
       SELECT (SELECT MIN(first) FROM days WHERE days.series = series.id AND ${step} > 0) AS first,
         (SELECT MAX(until) FROM days WHERE days.series = series.id AND ${step} > 0) AS last FROM series)`;
  return {
    nextSeries: database.prepare("SELECT id FROM series WHERE id > ?1 ORDER BY id LIMIT ?2"),
    bytes: database.prepare("SELECT minutes, quarters FROM rollup_bytes"),
    minutes: database.prepare(spanOf("minutes")),
    quarters: database.prepare(spanOf("quarters")),
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
         AND NOT EXISTS (SELECT 1 FROM stretches WHERE series = ?1) AND NOT EXISTS (SELECT 1 FROM days WHERE series = ?1)`,
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
