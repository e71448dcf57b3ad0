import { createHash } from "node:crypto";
import { counted } from "#shared/counted";
import type { Clock } from "#shared/clock";
import type { FieldValue } from "#shared/columns";
import { asError } from "#shared/errors";
import { asDeviceId, type DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Damage } from "../../database/damage.ts";
import { transaction, type Database } from "../../database/database.ts";
import { closeDatabase } from "../../database/group-sync.ts";
import { markSchema } from "../../database/mark.ts";
import { openMended } from "../../database/mend.ts";
import type { SeriesColumns } from "../../store/store.ts";
import { Unsynced } from "../../database/unsynced.ts";
import { NoRoomError } from "../spool/spool.ts";
import { fieldOf, HeldCounts, keyOf, type HeldOf } from "./held-counts.ts";

export interface HeldOptions {
  /** The SQLite file. */
  readonly path: string;
  readonly clock: Pick<Clock, "now">;
  readonly log: Log;
  readonly damage?: Pick<Damage, "note" | "noteFile"> | undefined;
}

/** Values of one field and one series, as they came, with null where a value was no part of the conflict. */
export interface HeldRow {
  readonly id: number;
  readonly device: DeviceId;
  readonly measurement: string;
  readonly field: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly times: readonly number[];
  readonly values: readonly FieldValue[];
}

/** Bytes of a row besides its times and values, about. */
const rowOverhead = 200;
/** Pages given back at a time. */
const pages = 200;

/** One migration a step. */
export const heldSchema = [
  `
  CREATE TABLE held (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    device TEXT NOT NULL,
    measurement TEXT NOT NULL,
    field TEXT NOT NULL,
    tags TEXT NOT NULL,
    times TEXT NOT NULL,
    vals TEXT NOT NULL,
    got TEXT NOT NULL,
    sample TEXT NOT NULL,
    count INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX held_by_field ON held (measurement, field, id);
  `,
  markSchema,
];

/** What came of values that were to be held: on disk (`new` where it is the first of this device and field), or no room. */
export type Holding = "new" | "held" | "full";

/**
 * Values of which nobody has decided yet whether they are to be stored, and as what: on disk, bounded, until somebody does. What
 * came once is kept once, also when its batch comes again.
 */
export class HeldValues {
  readonly #options: HeldOptions;
  readonly #counts = new HeldCounts();
  readonly #unsynced = new Unsynced();
  #lastTimes: { readonly times: readonly number[]; readonly text: string } | undefined;
  #open: { readonly database: Database; readonly statements: Statements } | undefined;

  constructor(options: HeldOptions) {
    this.#options = options;
  }

  /** Reads what is held of what. @throws EnvironmentError when the file cannot be used */
  start(): void {
    const { path, clock, damage } = this.#options;
    // They were acknowledged, which is a promise: what reads of a damaged file is taken over.
    const database = openMended({
      path,
      migrations: heldSchema,
      now: () => clock.now(),
      rescue: true,
      told: (file) => damage?.noteFile(file),
    });
    this.#open = { database, statements: prepare(database) };
    this.#dropDamaged(this.#open.statements);
    this.#summarize();
  }

  get database(): Database | undefined {
    return this.#open?.database;
  }

  #summarize(): void {
    this.#counts.clear();
    for (const row of (this.#open?.statements.summary.iterate() ?? []) as Iterable<unknown>) {
      const { measurement, field, bytes, ...of } = row as HeldOf & {
        measurement: string;
        field: string;
        bytes: number;
      };
      this.#counts.add(measurement, field, { ...of, dropped: 0 }, bytes);
    }
  }

  #dropDamaged({ dropDamaged, devices, dropDevice }: Statements): void {
    let dropped = dropDamaged.run().changes;
    for (const { device } of devices.all() as { device: string }[])
      if (asDeviceId(device) === undefined) dropped += dropDevice.run(device).changes;
    if (dropped > 0) this.#options.damage?.note("held.db", "held", `${counted(dropped, "row")} did not read`);
  }

  stop(): void {
    if (this.#open) closeDatabase(this.#open.database);
    this.#open = undefined;
  }

  /** The fields of which values of one device are held, by {@link keyOf}. */
  fieldsOf(device: DeviceId): ReadonlySet<string> {
    return this.#counts.fieldsOf(device);
  }

  /** The fields of which something is held. */
  fields(): ReturnType<HeldCounts["fields"]> {
    return this.#counts.fields();
  }

  /** By device, what is held of one field. */
  of(measurement: string, field: string): ReadonlyMap<DeviceId, HeldOf> {
    return this.#counts.of(measurement, field);
  }

  /** @throws NoRoomError when the disk does not take them: then nobody may be told that they are safe */
  add(
    series: SeriesColumns,
    field: string,
    values: readonly FieldValue[],
    { got, sample }: { got: string; sample: string },
  ): Holding {
    const { device, measurement, times } = series;
    const count = values.reduce<number>((sum, value) => sum + (value === null ? 0 : 1), 0);
    if (!this.#counts.takesField(device, measurement, field)) return "full";
    const [timesText, valuesText, tags] = [this.#timesText(times), JSON.stringify(values), JSON.stringify(series.tags)];
    const bytes = rowOverhead + timesText.length + valuesText.length + tags.length;
    if (!this.#counts.hasRoom(device, bytes)) {
      this.#counts.dropped(device, measurement, field, count);
      return "full";
    }
    const digest = createHash("sha256")
      .update(JSON.stringify([device, measurement, field, tags, timesText, valuesText]))
      .digest("base64");
    const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0];
    if (
      !this.#insert([
        digest,
        device,
        measurement,
        field,
        tags,
        timesText,
        valuesText,
        got,
        sample,
        count,
        first,
        last,
        bytes,
      ])
    )
      return "held";
    const of = { device, got, sample, values: count, dropped: 0, first, last };
    return this.#counts.add(measurement, field, of, bytes) ? "new" : "held";
  }

  /** The oldest rows of one field, from beyond `after` on. Rows that do not read are let go, and told. */
  portion(measurement: string, field: string, after: number, most: number): readonly HeldRow[] {
    const rows = this.#open?.statements.portion.all(measurement, field, after, most) ?? [];
    return rows.flatMap((row) => this.#read(row) ?? []);
  }

  /** Lets go of rows that the store has, or that nobody wants. */
  remove(rows: readonly HeldRow[]): void {
    if (!this.#open || rows.length === 0) return;
    const { database, statements } = this.#open;
    transaction(database, () => {
      for (const { id } of rows) statements.remove.run(id);
    });
    const owners = new Map(rows.map((row) => [`${row.device}\n${keyOf(row.measurement, row.field)}`, row]));
    for (const { device, measurement, field } of owners.values()) this.#measure(device, measurement, field);
    database.exec(`PRAGMA incremental_vacuum(${pages})`);
  }

  /** Lets go of all that is held of a device. @returns the fields of which that was */
  forget(device: DeviceId): readonly (readonly [measurement: string, field: string])[] {
    const fields = [...this.fieldsOf(device)].map(fieldOf);
    if (fields.length === 0) return fields;
    this.#open?.statements.dropDevice.run(device);
    for (const [measurement, field] of fields) this.#measure(device, measurement, field);
    return fields;
  }

  #read(row: Record<string, unknown>): HeldRow | undefined {
    const { id, device, measurement, field, tags, times, vals } = row as Record<string, string> & {
      id: number;
      device: DeviceId;
    };
    try {
      const read = { times: JSON.parse(times ?? "") as number[], values: JSON.parse(vals ?? "") as FieldValue[] };
      if (!Array.isArray(read.times) || read.times.length !== read.values.length) throw new Error("of two lengths");
      return {
        id,
        device,
        measurement: measurement ?? "",
        field: field ?? "",
        tags: JSON.parse(tags ?? "") as Record<string, string>,
        ...read,
      };
    } catch (thrown) {
      this.#options.log.error(
        { err: asError(thrown), device, measurement, field },
        "held values cannot be read, and are let go",
      );
      this.#open?.statements.remove.run(id);
      return undefined;
    }
  }

  /** As JSON. All fields of a series have the same times, and a message may have ten thousand of them. */
  #timesText(times: readonly number[]): string {
    if (this.#lastTimes?.times !== times) this.#lastTimes = { times, text: JSON.stringify(times) };
    return this.#lastTimes.text;
  }

  #insert(row: (string | number)[]): boolean {
    if (!this.#open) throw new NoRoomError("the console stops: not taken, send it again later");
    const { database, statements } = this.#open;
    try {
      if (!database.isTransaction) database.exec("BEGIN IMMEDIATE");
      return statements.insert.run(...row).changes > 0;
    } catch (cause) {
      // A full disk has taken back by itself what the same message brought before.
      if (!database.isTransaction) this.#summarize();
      throw this.#full(cause);
    }
  }

  /** Makes what was added last for good. To be called before anybody is told that it is safe. @throws NoRoomError as {@link add} does */
  commit(): void {
    const database = this.#open?.database;
    this.#lastTimes = undefined;
    if (!database?.isTransaction) return;
    try {
      database.exec("COMMIT");
      this.#unsynced.add();
    } catch (cause) {
      if (database.isTransaction) database.exec("ROLLBACK");
      this.#summarize();
      throw this.#full(cause);
    }
  }

  /**
   * Resolves once what was committed is on the disk; undefined where it is already. Nothing is acknowledged before.
   * @throws NoRoomError when the disk refuses
   */
  synced(): Promise<void> | undefined {
    const synced = this.#open && this.#unsynced.synced(this.#open.database);
    return synced?.catch((thrown: unknown) => Promise.reject(this.#full(thrown)));
  }

  #full(cause: unknown): NoRoomError {
    const message = `${this.#options.path} cannot be written (${asError(cause).message}): make room on the console's disk; not taken, send it again later`;
    return new NoRoomError(message, { cause });
  }

  /** Counts one device's rows of one field anew. */
  #measure(device: DeviceId, measurement: string, field: string): void {
    const { measure, bytes } = this.#open?.statements ?? {};
    const row = measure?.get(measurement, field, device) as Pick<HeldOf, "values" | "first" | "last"> | undefined;
    this.#counts.measured(device, measurement, field, row);
    const sum = bytes?.get(device) as { bytes: number } | undefined;
    this.#counts.weighed(device, sum?.bytes ?? 0);
  }
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database) {
  const texts = ["device", "measurement", "field", "tags", "times", "vals", "got", "sample"];
  const numbers = ["count", "first", "last", "bytes"];
  const odd = [
    ...texts.map((name) => `typeof(${name}) <> 'text'`),
    ...numbers.map((name) => `typeof(${name}) <> 'integer'`),
  ];
  const sums = "SUM(count) AS 'values', MIN(first) AS first, MAX(last) AS last";
  return {
    dropDamaged: database.prepare(`DELETE FROM held WHERE ${odd.join(" OR ")}`),
    devices: database.prepare("SELECT DISTINCT device FROM held"),
    dropDevice: database.prepare("DELETE FROM held WHERE device = ?"),
    summary: database.prepare(
      `SELECT device, measurement, field, got, sample, SUM(bytes) AS bytes, ${sums} FROM held GROUP BY measurement, field, device`,
    ),
    measure: database.prepare(`SELECT ${sums} FROM held WHERE measurement = ? AND field = ? AND device = ?`),
    bytes: database.prepare("SELECT COALESCE(SUM(bytes), 0) AS bytes FROM held WHERE device = ?"),
    insert: database.prepare(
      "INSERT OR IGNORE INTO held (digest, device, measurement, field, tags, times, vals, got, sample, count, first, last, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ),
    portion: database.prepare("SELECT * FROM held WHERE measurement = ? AND field = ? AND id > ? ORDER BY id LIMIT ?"),
    remove: database.prepare("DELETE FROM held WHERE id = ?"),
  };
}
