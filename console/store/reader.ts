import { existsSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { openForReading, type Database } from "../database/database.ts";
import { DamagedStretches, type DamagedStretch } from "./damaged-stretches.ts";
import type { Thinned } from "./store.ts";
import { LastRows, type LastRow, type LastRowsQuery } from "./last-rows.ts";
import { orCarefully, pathOfField, rowsOfField, StretchReader, typeOfField } from "./stretch-reader.ts";
import { Means, RawPoints, type Value } from "./point-sinks.ts";
import { RollupReader, type RolledDay } from "./rollup/rollup-reader.ts";

/** What one look into the embedded store's history asks for; the thread that answers it has a connection of its own. */
export interface ReadQuery {
  readonly device: string;
  readonly measurement: string;
  readonly field: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly from: number;
  readonly to: number;
  readonly every: number;
  /** With each mean the least and the greatest value of its interval. */
  readonly extremes?: boolean;
  /** Points in all series together; one more is looked for, which says that there are more. */
  readonly most: number;
}

/** Numbers travel as bytes: twenty thousand small arrays would take the receiver as long as the look took the sender. */
export interface ReadSeries {
  readonly tags: Readonly<Record<string, string>>;
  readonly times: Float64Array;
  readonly values: Float64Array | readonly (number | string | boolean)[];
  readonly lows?: Float64Array;
  readonly highs?: Float64Array;
  /** Of which times there was no more of it than roll-ups. */
  readonly thinned?: readonly Thinned[];
}

/** What does not read, and is missing in the answer. */
interface LeftOut {
  readonly damaged?: readonly DamagedStretch[];
}

export type ReadAnswer =
  | ({ readonly series: readonly ReadSeries[]; readonly more: boolean; readonly error?: undefined } & LeftOut)
  | { readonly error: string };

/** Asks what there is of samples and roll-ups. */
export interface KeptQuery {
  readonly kept: true;
}

/** The oldest of each, epoch ms, and bytes. */
export interface KeptSpans {
  readonly samples: { readonly since: number | null; readonly bytes: number };
  readonly minutes: { readonly since: number | null; readonly bytes: number };
  readonly quarters: { readonly since: number | null; readonly bytes: number };
}

export type KeptAnswer =
  | { readonly spans: KeptSpans | undefined; readonly error?: undefined }
  | { readonly error: string };

export type LastRowsAnswer =
  | ({ readonly last: readonly LastRow[]; readonly error?: undefined } & LeftOut)
  | { readonly error: string };

type Statements = ReturnType<typeof prepare>;

/** The history in a file, as a connection of its own reads it. */
export class HistoryFile {
  readonly #path: string;
  #open: { readonly database: Database; readonly statements: Statements } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  read(query: ReadQuery): ReadAnswer {
    const open = this.#opened();
    if (!open) return { series: [], more: false };
    // All of it as it stood at one moment: rows become stretches meanwhile.
    open.database.exec("BEGIN");
    try {
      const answer = this.#read(query, open.statements);
      return { ...answer, damaged: open.statements.damaged.taken() };
    } finally {
      open.database.exec("COMMIT");
    }
  }

  #read(query: ReadQuery, statements: Statements): { readonly series: readonly ReadSeries[]; readonly more: boolean } {
    const series: ReadSeries[] = [];
    let room = query.most;
    for (const { id, tags } of statements.series.all(query.device, query.measurement) as {
      id: number;
      tags: string;
    }[]) {
      const own = tagsIn(tags);
      if (!own || !Object.entries(query.tags).every(([name, value]) => own[name] === value)) continue;
      const days = statements.rollups.days(id, query.from, query.to);
      const isPacked = days.length > 0 || statements.stretches.has(id, query.from, query.to);
      const read = isPacked ? unpacked : query.every > 0 ? means : raw;
      const found = read(statements, id, query, room, days);
      room -= found.times.length;
      if (room < 0) return { series: [], more: true };
      if (found.times.length > 0) series.push({ tags: own, ...found });
    }
    return { series, more: false };
  }

  close(): void {
    this.#open?.database.close();
    this.#open = undefined;
  }

  last(query: LastRowsQuery): LastRowsAnswer {
    const open = this.#opened();
    if (!open) return { last: [] };
    open.database.exec("BEGIN");
    try {
      const last = open.statements.lastRows.read(query);
      return { last, damaged: open.statements.damaged.taken() };
    } finally {
      open.database.exec("COMMIT");
    }
  }

  kept(): KeptAnswer {
    const open = this.#opened();
    if (!open) return { spans: undefined };
    const its = open.statements.kept.get() as Record<"samples" | "minutes" | "quarters", number | null>;
    const sizes = open.statements.sizes.get() as Record<"used" | "minutes" | "quarters", number>;
    const { minutes, quarters } = sizes;
    return {
      spans: {
        samples: { since: its.samples, bytes: Math.max(0, sizes.used - minutes - quarters) },
        minutes: { since: its.minutes, bytes: minutes },
        quarters: { since: its.quarters, bytes: quarters },
      },
    };
  }

  /** A store to which nothing was ever written has no file. */
  #opened() {
    if (!this.#open && existsSync(this.#path)) {
      const database = openForReading(this.#path);
      this.#open = { database, statements: prepare(database) };
    }
    return this.#open;
  }
}

/** A damaged row is no series. */
function tagsIn(text: string): Record<string, string> | undefined {
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch {
    return undefined;
  }
}

function packed(values: readonly Value[]): Float64Array | readonly Value[] {
  return values.every((value) => typeof value === "number") ? Float64Array.from(values) : values;
}

function unpacked(
  { rollups }: Statements,
  series: number,
  query: ReadQuery,
  room: number,
  days: readonly RolledDay[],
): Omit<ReadSeries, "tags"> {
  if (query.every === 0) {
    const points = new RawPoints(room);
    const thinned = rollups.read(series, query, days, room, points);
    return { times: Float64Array.from(points.times), values: packed(points.values), thinned };
  }
  const sink = new Means(query.every, room);
  const thinned = rollups.read(series, query, days, Number.MAX_SAFE_INTEGER - 1, sink);
  sink.end();
  const { times, means: values, lows, highs } = sink;
  return {
    times: Float64Array.from(times),
    values: Float64Array.from(values),
    thinned,
    ...(query.extremes ? { lows: Float64Array.from(lows), highs: Float64Array.from(highs) } : {}),
  };
}

function raw(statements: Statements, series: number, { field, from, to }: ReadQuery, room: number) {
  const ask = (careful: boolean): unknown =>
    (careful ? statements.carefulRaw : statements.raw).all(pathOfField(field), series, from, to, room + 1);
  const rows = orCarefully(ask) as { ts: number; value: number | string; type: string }[];
  return {
    times: Float64Array.from(rows, ({ ts }) => ts),
    values: packed(rows.map(({ value, type }) => (type === "true" || type === "false" ? type === "true" : value))),
  };
}

function means(statements: Statements, series: number, query: ReadQuery, room: number): Omit<ReadSeries, "tags"> {
  const { field, from, to, every, extremes } = query;
  const [plain, careful] = extremes
    ? [statements.extremes, statements.carefulExtremes]
    : [statements.means, statements.carefulMeans];
  const ask = (isCareful: boolean): unknown =>
    (isCareful ? careful : plain).all(pathOfField(field), series, from, to, every, room + 1);
  const rows = orCarefully(ask) as { slot: number; mean: number; low: number; high: number }[];
  return {
    times: Float64Array.from(rows, ({ slot }) => slot),
    values: Float64Array.from(rows, ({ mean }) => mean),
    ...(extremes
      ? { lows: Float64Array.from(rows, ({ low }) => low), highs: Float64Array.from(rows, ({ high }) => high) }
      : {}),
  };
}

function prepare(database: Database) {
  const meansOf = (typeOf: string): string =>
    `SELECT (ts / ?5) * ?5 AS slot, AVG(CASE WHEN ${typeOf} IN ('integer', 'real') THEN json_extract(fields, ?1) END) AS mean
     FROM samples WHERE series = ?2 AND ts >= ?3 AND ts < ?4 GROUP BY slot HAVING mean IS NOT NULL ORDER BY slot LIMIT ?6`;
  // The value is taken out of its row once and not three times: a LIMIT keeps SQLite from putting the inner query into the outer one.
  const extremesOf = (typeOf: string): string =>
    `SELECT slot, AVG(value) AS mean, CAST(MIN(value) AS REAL) AS low, CAST(MAX(value) AS REAL) AS high FROM (
       SELECT (ts / ?5) * ?5 AS slot, CASE WHEN ${typeOf} IN ('integer', 'real') THEN json_extract(fields, ?1) END AS value
       FROM samples WHERE series = ?2 AND ts >= ?3 AND ts < ?4 LIMIT -1)
     GROUP BY slot HAVING mean IS NOT NULL ORDER BY slot LIMIT ?6`;
  const damaged = new DamagedStretches(database);
  const stretches = new StretchReader(database, damaged);
  return {
    damaged,
    stretches,
    rollups: new RollupReader(database, stretches, damaged),
    lastRows: new LastRows(database, damaged),
    series: database.prepare("SELECT id, tags FROM series WHERE device = ? AND measurement = ? ORDER BY tags"),
    // The first of each series is the first of an index, of which there is none over all.
    kept: database.prepare(
      `SELECT MIN(MIN(COALESCE(row, stretch), COALESCE(stretch, row))) AS samples, MIN(minutes) AS minutes, MIN(quarters) AS quarters FROM (
         SELECT (SELECT MIN(ts) FROM samples WHERE series = id) AS row,
           (SELECT MIN(first) FROM stretches WHERE stretches.series = series.id) AS stretch,
           (SELECT MIN(first) FROM days WHERE series = id AND minutes > 0) AS minutes,
           (SELECT MIN(first) FROM days WHERE series = id AND quarters > 0) AS quarters FROM series)`,
    ),
    sizes: database.prepare(
      `SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)
           - (SELECT freelist_count FROM pragma_freelist_count) * (SELECT page_size FROM pragma_page_size) AS used,
         minutes, quarters FROM rollup_bytes`,
    ),
    raw: database.prepare(rowsOfField.fast),
    carefulRaw: database.prepare(rowsOfField.careful),
    means: database.prepare(meansOf(typeOfField.fast)),
    carefulMeans: database.prepare(meansOf(typeOfField.careful)),
    extremes: database.prepare(extremesOf(typeOfField.fast)),
    carefulExtremes: database.prepare(extremesOf(typeOfField.careful)),
  };
}

/** Answers one query after the other, in a thread of its own. */
function serve(path: string): void {
  const reader = new HistoryFile(path);
  parentPort?.on("message", (query: ReadQuery | LastRowsQuery | KeptQuery) => {
    let answer: ReadAnswer | LastRowsAnswer | KeptAnswer;
    try {
      answer = "kept" in query ? reader.kept() : "rows" in query ? reader.last(query) : reader.read(query);
    } catch (thrown) {
      answer = { error: thrown instanceof Error ? thrown.message : String(thrown) };
    }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
    parentPort?.postMessage(answer);
  });
}

if (parentPort && typeof workerData === "string") serve(workerData);
