import type { FieldValue } from "#shared/columns";
import type { Database } from "../database/database.ts";
import { unpackColumn, unpackTimes, maxStretchRows } from "./stretch/packed-column.ts";
import { DamagedStretches } from "./damaged-stretches.ts";
import {
  mergeStretches,
  packStretch,
  stretchOf,
  type PackedStretch,
  type StoredRow,
  type Stretch,
} from "./stretch/stretch.ts";

/** Milliseconds that one stretch lasts at most, on the clock's even hours: what is let go by its age goes a stretch at a time. */
export const stretchSpan = 7_200_000;
/** Rows that are worth a stretch; fewer stay rows, also those that come late into a time that is packed. */
export const minStretchRows = 32;
/** Fields of one stretch at most: where each row has others, columns are no smaller. */
export const maxStretchFields = 500;
/** Bytes of rows that become one stretch at most: long texts. What late rows make of one is cut at as many. */
export const maxStretchText = 512 * 1024;
/** Rows in one answer, and bytes that are packed, from which on it is given: the event loop deletes and writes them in some 5 ms. */
const answer = { rows: 1_000, bytes: maxStretchText };
/** Series that one answer looks into at most. */
const answerSeries = 500;
/** What a stretch, and a column of it, takes in the file beside its bytes. */
const besides = { row: 12, column: 40 };

/** Where to begin, and what is worth a stretch. */
export interface PackOrder {
  readonly series: number;
  readonly from: number;
  /** The moment (epoch ms) before which a stretch has to be over. */
  readonly before: number;
  /** In the place of {@link stretchSpan} and {@link minStretchRows}. */
  readonly span?: number;
  readonly least?: number;
}

/** Rows of one series that become stretches. */
export interface FoundStretch {
  readonly series: number;
  /** All rows from the first to the last moment go but those of `kept`: so many. */
  readonly first: number;
  readonly last: number;
  readonly rows: number;
  readonly kept: readonly number[];
  /** The stretch into whose time they have come late, which goes with them. */
  readonly replaces: number | undefined;
  readonly packed: readonly PackedStretch[];
}

export interface FoundStretches {
  readonly found: readonly FoundStretch[];
  /** Where to go on; undefined where all was looked at. */
  readonly next: { readonly series: number; readonly from: number } | undefined;
}

interface Span {
  readonly id: number;
  readonly first: number;
  readonly last: number;
  readonly times: Uint8Array;
}

/** Before every moment that there is. */
const everything = -Number.MAX_SAFE_INTEGER;

/** Looks for rows whose time is over, series by series, and packs them. It changes nothing. */
export class StretchFinder {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepare>;
  /** What did not read of that into which rows have come late: it stays what it is, and so do they. */
  readonly damaged: DamagedStretches;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepare(database);
    this.damaged = new DamagedStretches(database);
  }

  find(order: PackOrder): FoundStretches {
    // All of it as it stood at one moment.
    this.#database.exec("BEGIN");
    try {
      return this.#find(order);
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  #find(order: PackOrder): FoundStretches {
    const { series, from } = order;
    const found: FoundStretch[] = [];
    const ids = this.#statements.series.all(series, answerSeries) as unknown as { id: number }[];
    let [rows, bytes] = [0, 0];
    for (const { id } of ids) {
      for (let at = id === series ? from : everything; ;) {
        const step = this.#step(id, at, order);
        if (!step) break;
        // The second would be merged with what the first one is about to replace.
        const isAgain = step.found?.replaces !== undefined && found.at(-1)?.replaces === step.found.replaces;
        if (isAgain) return { found, next: { series: id, from: at } };
        at = step.next;
        if (!step.found) continue;
        found.push(step.found);
        rows += step.found.rows;
        bytes += sizeOf(step.found.packed);
        if (rows >= answer.rows || bytes >= answer.bytes) return { found, next: { series: id, from: at } };
      }
    }
    const last = ids.at(-1);
    return { found, next: last && ids.length === answerSeries ? { series: last.id + 1, from: everything } : undefined };
  }

  /** The next rows of a series that belong together. */
  #step(series: number, from: number, { before, span: length = stretchSpan, least = minStretchRows }: PackOrder) {
    const { newest, firstRow, spanAt, nextSpan, rows } = this.#statements;
    const { ts: end } = newest.get(series) as { ts: number | null };
    if (end === null) return undefined;
    const limit = Math.min(before, end);
    const { ts: first } = firstRow.get(series, from, limit) as { ts: number | null };
    if (first === null) return undefined;
    const span = spanAt.get(series, first) as Span | undefined;
    const into = span && span.last >= first ? span : undefined;
    const { first: other } = nextSpan.get(series, first) as { first: number | null };
    const over = into ? into.last + 1 : Math.min((Math.floor(first / length) + 1) * length, other ?? Infinity);
    const until = Math.min(over, limit);
    const some = fitting(rows.all(series, first, until, maxStretchRows));
    const last = some.at(-1)?.ts ?? first;
    // What there is before it in the stretch stays there.
    return { next: last + 1, found: some.length < least ? undefined : this.#packed(series, into, some, least) };
  }

  #packed(series: number, into: Span | undefined, rows: readonly StoredRow[], least: number): FoundStretch | undefined {
    const { stretch: late, unfit } = stretchOf(rows);
    if (late.times.length < least) return undefined;
    const stretch = into ? this.damaged.reading({ ...into, series }, undefined, () => this.#merged(into, late)) : late;
    if (!stretch || stretch.columns.size > maxStretchFields) return undefined;
    const packed = inPieces(stretch);
    if (!into && sizeOf(packed) >= textOf(rows)) return undefined;
    const [first, last] = [rows[0]!.ts, rows.at(-1)!.ts];
    return { series, first, last, rows: late.times.length, kept: unfit, replaces: into?.id, packed };
  }

  /** @throws DamagedStretchError where it does not read any more: then nothing is to be put into its place */
  #merged({ id, times }: Span, late: Stretch): Stretch {
    const own = Array.from(unpackTimes(times));
    const columns = new Map<string, readonly FieldValue[]>();
    for (const { field, data } of this.#statements.fields.all(id) as unknown as { field: string; data: Uint8Array }[])
      columns.set(field, unpackColumn(data, own.length));
    return mergeStretches({ times: own, columns }, late);
  }
}

/** As many as are one stretch; at least one. */
function fitting(rows: readonly StoredRow[]): readonly StoredRow[] {
  let bytes = 0;
  const over = rows.findIndex(({ fields }) => (bytes += fields.length) > maxStretchText);
  return over < 0 ? rows : rows.slice(0, Math.max(1, over));
}

/** As many as keep each about as small as a first one is: whatever comes late has all of a piece written anew. */
function inPieces(stretch: Stretch): readonly PackedStretch[] {
  const packed = packStretch(stretch);
  const pieces = Math.ceil(sizeOf(packed) / maxStretchText);
  return pieces > packed.length ? packStretch(stretch, Math.ceil(stretch.times.length / pieces)) : packed;
}

function sizeOf(packed: readonly PackedStretch[]): number {
  let bytes = 0;
  for (const { times, fields } of packed) {
    bytes += times.length + besides.column;
    for (const { field, data } of fields) bytes += data.length + 2 * field.length + besides.column;
  }
  return bytes;
}

function textOf(rows: readonly StoredRow[]): number {
  return rows.reduce((bytes, { fields }) => bytes + fields.length + besides.row, 0);
}

function prepare(database: Database) {
  return {
    series: database.prepare("SELECT id FROM series WHERE id >= ? ORDER BY id LIMIT ?"),
    newest: database.prepare("SELECT MAX(ts) AS ts FROM samples WHERE series = ?"),
    firstRow: database.prepare("SELECT MIN(ts) AS ts FROM samples WHERE series = ?1 AND ts >= ?2 AND ts < ?3"),
    spanAt: database.prepare(
      "SELECT id, first, last, times FROM stretches WHERE series = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1",
    ),
    nextSpan: database.prepare("SELECT MIN(first) AS first FROM stretches WHERE series = ?1 AND first > ?2"),
    rows: database.prepare(
      "SELECT ts, fields FROM samples WHERE series = ?1 AND ts >= ?2 AND ts < ?3 ORDER BY ts LIMIT ?4",
    ),
    fields: database.prepare("SELECT field, data FROM stretch_fields WHERE stretch = ?"),
  };
}
