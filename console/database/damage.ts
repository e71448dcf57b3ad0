import { systemClock, type Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import { silentLog, type Log } from "#shared/log";
import { isDamage, type Database } from "./database.ts";
import type { DamagedFile } from "./mend.ts";
import { plain, type Row } from "./row.ts";
import { Setbacks } from "./setbacks.ts";

/** Something in the data directory that did not read, and was set aside. */
export interface Damaged {
  /** Epoch ms. */
  readonly ts: number;
  /** A file's name, or a table's. */
  readonly place: string;
  /** Which row, or under which name the file is kept. */
  readonly name: string;
  readonly why: string;
}

/** What names a row of each table. */
const keys = {
  accounts: ["name"],
  tokens: ["id"],
  devices: ["id"],
  commands: ["device", "id"],
  jobs: ["id"],
  job_devices: ["job", "position"],
  device_groups: ["device", "name"],
  device_labels: ["device"],
  outboxes: ["device", "outbox"],
  outbox_gaps: ["id"],
  clock_offsets: ["device", "epoch", "mono"],
  field_types: ["measurement", "field"],
  field_decisions: ["measurement", "field"],
  quarantine: ["device", "measurement", "field", "got", "wanted"],
  clock: ["id"],
  removed_devices: ["device"],
  retired_devices: ["device"],
  answers: ["device", "id"],
  enrollments: ["id"],
  certificates: ["serial"],
  code_guesses: ["account", "place"],
  joins: ["enrollment", "machine"],
  schedules: ["id"],
  schedule_runs: ["schedule", "due"],
  configurations: ["version"],
  configured: ["device"],
  unit_words: ["scope", "measurement", "field"],
  console_settings: ["name"],
  channels: ["name"],
  notices: ["id"],
  deliveries: ["id"],
  shown_alerts: ["alert"],
  alert_rules: ["name"],
  alert_slots: ["rule", "device", "series"],
  alerts: ["id"],
  alert_late: ["rule", "device", "series"],
  alert_points: ["rule", "device", "series"],
  alert_mutes: ["id"],
  favourites: ["account", "kind", "name"],
  presence: ["device", "ts"],
  presence_watches: ["begun"],
  sample_counts: ["device", "ts"],
  browsers: ["id"],
  push_key: ["id"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type DamagedTable = keyof typeof keys;

/** Rows remembered at most, the newest; and characters kept of each: enough to see what it was. */
export const maxDamaged = { rows: 1_000, text: 2_000 };
/** Lines in the log in one run at most: a damaged disk has thousands of such rows. */
const maxDamageLines = 20;
/** Tables whose rows are secrets, of which nothing is kept. */
const secret: ReadonlySet<string> = new Set([
  "accounts",
  "tokens",
  "enrollments",
  "retired_devices",
  "channels",
  "browsers",
  "push_key",
]);

type Statement = ReturnType<Database["prepare"]>;
type Value = string | number | null;

/**
 * The one place for rows that do not read: such a row is taken out of its table, so that it does not come back, kept in part in
 * the table `damaged`, and told. It costs that row, never the start and never the answer that it would have been part of.
 */
export class Damage {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Rows that could not be taken out are told once. */
  readonly #seen = new Set<string>();
  #told = 0;

  constructor(database: Database, clock: Clock, log: Log) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
    known.set(database, this);
  }

  /** Reads rows of a table one by one, each through `parse`; what throws there is set aside. */
  all<T>(table: DamagedTable, statement: Statement, parse: (row: Row) => T, ...parameters: Value[]): T[] {
    return [...this.each(table, statement, parse, ...parameters)];
  }

  /** The same, but each row goes through `parse` when it is asked for: many rows can be looked at in several turns. */
  *each<T>(
    table: DamagedTable,
    statement: Statement,
    parse: (row: Row) => T,
    ...parameters: Value[]
  ): Generator<T, void, void> {
    for (const row of this.#rows(table, statement, parameters)) {
      const read = this.#parsed(table, row, parse);
      if (read) yield read.value;
    }
  }

  /** The first row. @returns undefined where it was set aside, or there is none */
  one<T>(table: DamagedTable, statement: Statement, parse: (row: Row) => T, ...parameters: Value[]): T | undefined {
    return this.all(table, statement, parse, ...parameters)[0];
  }

  /** The first row as it is, for another look at it. */
  row(table: DamagedTable, statement: Statement, ...parameters: Value[]): Row | undefined {
    return this.#rows(table, statement, parameters)[0];
  }

  #parsed<T>(table: DamagedTable, row: Row, parse: (row: Row) => T): { readonly value: T } | undefined {
    try {
      return { value: parse(row) };
    } catch (thrown) {
      this.#takeOut(table, row, asError(thrown).message);
      return undefined;
    }
  }

  /** A page that cannot be read ends the table there: what stands before it is the answer. */
  #rows(table: DamagedTable, statement: Statement, parameters: readonly Value[]): Row[] {
    // Else one number beyond 2^53 would end the whole query.
    statement.setReadBigInts(true);
    try {
      return (statement.all(...parameters) as Row[]).map(plain);
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown;
      this.#noteOnce("muster.db", table, `${asError(thrown).message}: start Muster again to have it mended`);
      return until(statement, parameters);
    }
  }

  /** Remembers and tells something that was damaged, and is dealt with already. @param text what it was */
  note(place: string, name: string, why: string, text = ""): void {
    const kept = { ts: Math.round(this.#clock.now()), place, name: cut(name), why: cut(why) };
    this.#warn(kept);
    try {
      this.#database
        .prepare("INSERT INTO damaged (ts, place, name, why, text) VALUES (?, ?, ?, ?, ?)")
        .run(kept.ts, place, kept.name, kept.why, cut(text));
      this.#database
        .prepare("DELETE FROM damaged WHERE id <= (SELECT id FROM damaged ORDER BY id DESC LIMIT 1 OFFSET ?)")
        .run(maxDamaged.rows);
    } catch (thrown) {
      this.#log.warn({ err: asError(thrown) }, "what was damaged could not be written down");
    }
  }

  /**
   * Remembers and tells something damaged that stays where it is, and is met again and again: once, also by those who start after this one.
   * @returns whether it is news
   */
  noteStaying(place: string, name: string, why: string): boolean {
    return !this.#isListed(place, name) && this.#noteOnce(place, name, why);
  }

  #isListed(place: string, name: string): boolean {
    try {
      const listed = this.#database.prepare("SELECT 1 FROM damaged WHERE place = ? AND name = ? LIMIT 1");
      return listed.get(place, cut(name)) !== undefined;
    } catch {
      return false;
    }
  }

  noteFile({ file, keptAs, why, saved }: DamagedFile): void {
    const lost = file === "metrics.db" ? "; what completeness has counted as stored in it counts as lost" : "";
    this.note(file, keptAs, `${why}; ${saved}${lost}`);
    // Of the others what reads was taken over.
    if (file === "metrics.db") this.#setBack(file, `the embedded store's file was damaged, and set aside as ${keptAs}`);
  }

  #setBack(file: string, why: string): void {
    try {
      new Setbacks(this.#database, this.#clock).note(file, null, why);
    } catch (thrown) {
      this.#log.warn({ err: asError(thrown) }, "what is lost with a damaged file could not be written down");
    }
  }

  /** Newest first. */
  list(limit: number): readonly Damaged[] {
    const rows = this.#database.prepare("SELECT ts, place, name, why FROM damaged ORDER BY id DESC LIMIT ?").all(limit);
    return (rows as Row[]).map(({ ts, place, name, why }) => ({
      ts: Number(ts),
      place: String(place),
      name: String(name),
      why: String(why),
    }));
  }

  count(): number {
    const row = this.#database.prepare("SELECT count(*) AS count FROM damaged").get();
    return Number((row as Row)["count"]);
  }

  /** @returns how many they were */
  forget(): number {
    return this.#database.prepare("DELETE FROM damaged").run().changes;
  }

  #takeOut(table: DamagedTable, row: Row, why: string): void {
    const columns: readonly string[] = keys[table];
    const values = columns.map((column) => row[column]);
    const name = nameOfRow(table, row);
    const text = secret.has(table) ? "" : textOf(row);
    if (this.#remove(table, columns, values)) this.note(table, name, why, text);
    else this.#noteOnce(table, name, why, text);
  }

  /** @returns whether it is news */
  #noteOnce(place: string, name: string, why: string, text?: string): boolean {
    const key = `${place}\n${name}`;
    if (this.#seen.has(key) || this.#seen.size >= maxDamaged.rows) return false;
    this.#seen.add(key);
    this.note(place, name, why, text);
    return true;
  }

  /** @returns false where it stays: its key is damaged as well, and is no longer what it is looked up by */
  #remove(table: DamagedTable, columns: readonly string[], values: readonly unknown[]): boolean {
    try {
      const where = columns.map((column) => `${column} IS ?`).join(" AND ");
      const removed = this.#database.prepare(`DELETE FROM ${table} WHERE ${where}`).run(...(values as string[]));
      return removed.changes > 0;
    } catch {
      return false;
    }
  }

  #warn({ place, name, why }: Damaged): void {
    this.#told += 1;
    if (this.#told > maxDamageLines) return;
    const more = this.#told === maxDamageLines ? "; more of this is not logged in this run" : "";
    this.#log.warn(
      { place, name, why },
      `something in the data directory is not what it was: it did not read, is gone, or is an older copy${more}`,
    );
  }
}

const known = new WeakMap<Database, Damage>();

/** Of the database that a part reads: every row that is kept goes through it. */
export function damageOf(database: Database): Damage {
  return known.get(database) ?? new Damage(database, systemClock, silentLog);
}

/** By what a row is told to a person; of one that is a secret, nothing. */
export function nameOfRow(table: DamagedTable, row: Row): string {
  if (secret.has(table) && table !== "accounts") return "";
  return keys[table].map((column) => String(row[column])).join(" ");
}

function until(statement: Statement, parameters: readonly Value[]): Row[] {
  const rows: Row[] = [];
  try {
    for (const row of statement.iterate(...parameters)) rows.push(plain(row as Row));
  } catch {
    // As far as it goes.
  }
  return rows;
}

function cut(text: string): string {
  return text.slice(0, maxDamaged.text);
}

function textOf(row: Row): string {
  try {
    return cut(JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)));
  } catch {
    return "";
  }
}
