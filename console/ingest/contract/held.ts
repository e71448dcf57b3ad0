import { createHash } from "node:crypto";
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

/** What is held of one device's values of one field. Moments are epoch ms. */
export interface HeldOf {
  readonly device: DeviceId;
  /** What the values are, and the first of them as text. */
  readonly got: string;
  readonly sample: string;
  readonly values: number;
  /** Values that there was no room for, since the console's start. */
  readonly dropped: number;
  readonly first: number;
  readonly last: number;
}

/** Bytes, about: one device shall not use up what all may. A value with its time is some 25. */
export const maxHeldBytes = { ofDevice: 1024 * 1024, ofAll: 32 * 1024 * 1024 };
/** Fields of one device, and of all (each counted for each of its devices): each is something for a person to decide, and is listed. */
export const maxHeldFields = { ofDevice: 100, ofAll: 5_000 };
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

/** One field with the devices whose values of it are held. */
interface HeldField {
  readonly measurement: string;
  readonly field: string;
  readonly devices: Map<DeviceId, { -readonly [K in keyof HeldOf]: HeldOf[K] }>;
}

/**
 * Values of which nobody has decided yet whether they are to be stored, and as what: on disk, bounded, until somebody does. What
 * came once is kept once, also when its batch comes again.
 */
export class HeldValues {
  readonly #options: HeldOptions;
  readonly #fields = new Map<string, HeldField>();
  readonly #bytes = new Map<DeviceId, number>();
  readonly #fieldsOf = new Map<DeviceId, Set<string>>();
  #pairs = 0;
  readonly #unsynced = new Unsynced();
  #lastTimes: { readonly times: readonly number[]; readonly text: string } | undefined;
  #total = 0;
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
    this.#fields.clear();
    this.#fieldsOf.clear();
    this.#bytes.clear();
    this.#pairs = this.#total = 0;
    for (const row of (this.#open?.statements.summary.iterate() ?? []) as Iterable<unknown>) {
      const { measurement, field, bytes, ...of } = row as HeldOf & {
        measurement: string;
        field: string;
        bytes: number;
      };
      this.#put(measurement, field, { ...of, dropped: 0 });
      this.#count(of.device, bytes);
    }
  }

  #dropDamaged({ dropDamaged, devices, dropDevice }: Statements): void {
    let dropped = dropDamaged.run().changes;
    for (const { device } of devices.all() as { device: string }[])
      if (asDeviceId(device) === undefined) dropped += dropDevice.run(device).changes;
    if (dropped > 0) this.#options.damage?.note("held.db", "held", `${dropped} rows did not read`);
  }

  stop(): void {
    if (this.#open) closeDatabase(this.#open.database);
    this.#open = undefined;
  }

  /** The fields of which values of one device are held, by {@link keyOf}. */
  fieldsOf(device: DeviceId): ReadonlySet<string> {
    return this.#fieldsOf.get(device) ?? nothing;
  }

  /** The fields of which something is held. */
  fields(): readonly { readonly measurement: string; readonly field: string; readonly devices: readonly HeldOf[] }[] {
    return [...this.#fields.values()].map((one) => ({ ...one, devices: [...one.devices.values()] }));
  }

  /** By device, what is held of one field. */
  of(measurement: string, field: string): ReadonlyMap<DeviceId, HeldOf> {
    return this.#fields.get(keyOf(measurement, field))?.devices ?? none;
  }

  /** @throws NoRoomError when the disk does not take them: then nobody may be told that they are safe */
  add(
    series: SeriesColumns,
    field: string,
    values: readonly FieldValue[],
    { got, sample }: { got: string; sample: string },
  ): Holding {
    const { device, measurement, times } = series;
    const known = this.#fields.get(keyOf(measurement, field))?.devices.get(device);
    const count = values.reduce<number>((sum, value) => sum + (value === null ? 0 : 1), 0);
    const isNew =
      known === undefined && this.fieldsOf(device).size < maxHeldFields.ofDevice && this.#pairs < maxHeldFields.ofAll;
    if (!known && !isNew) return "full";
    const [timesText, valuesText, tags] = [this.#timesText(times), JSON.stringify(values), JSON.stringify(series.tags)];
    const bytes = rowOverhead + timesText.length + valuesText.length + tags.length;
    if (!this.#hasRoom(device, bytes)) {
      if (known) known.dropped += count;
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
    this.#count(device, bytes);
    if (known) {
      known.values += count;
      known.last = Math.max(known.last, last);
      known.first = Math.min(known.first, first);
      return "held";
    }
    this.#put(measurement, field, { device, got, sample, values: count, dropped: 0, first, last });
    return "new";
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
    const held = this.#fields.get(keyOf(measurement, field));
    const row = this.#open?.statements.measure.get(measurement, field, device) as
      | { values: number; first: number; last: number }
      | undefined;
    const known = held?.devices.get(device);
    if (known && row && row.values > 0) Object.assign(known, row);
    else if (held?.devices.delete(device)) this.#forget(device, keyOf(measurement, field));
    if (held?.devices.size === 0) this.#fields.delete(keyOf(measurement, field));
    const sum = this.#open?.statements.bytes.get(device) as { bytes: number } | undefined;
    this.#count(device, (sum?.bytes ?? 0) - (this.#bytes.get(device) ?? 0));
  }

  #put(measurement: string, field: string, of: HeldOf): void {
    const key = keyOf(measurement, field);
    let held = this.#fields.get(key);
    if (!held) this.#fields.set(key, (held = { measurement, field, devices: new Map() }));
    held.devices.set(of.device, { ...of });
    const own = this.#fieldsOf.get(of.device);
    if (own) own.add(key);
    else this.#fieldsOf.set(of.device, new Set([key]));
    this.#pairs += 1;
  }

  #forget(device: DeviceId, key: string): void {
    const own = this.#fieldsOf.get(device);
    own?.delete(key);
    if (own?.size === 0) this.#fieldsOf.delete(device);
    this.#pairs -= 1;
  }

  #hasRoom(device: DeviceId, bytes: number): boolean {
    return (this.#bytes.get(device) ?? 0) + bytes <= maxHeldBytes.ofDevice && this.#total + bytes <= maxHeldBytes.ofAll;
  }

  #count(device: DeviceId, bytes: number): void {
    const sum = (this.#bytes.get(device) ?? 0) + bytes;
    if (sum > 0) this.#bytes.set(device, sum);
    else this.#bytes.delete(device);
    this.#total += bytes;
  }
}

const none: ReadonlyMap<DeviceId, HeldOf> = new Map();
const nothing: ReadonlySet<string> = new Set();

/** Names hold no control characters. */
export function keyOf(measurement: string, field: string): string {
  return `${measurement}\n${field}`;
}

/** The inverse of {@link keyOf}. */
export function fieldOf(key: string): readonly [measurement: string, field: string] {
  const [measurement = "", field = ""] = key.split("\n");
  return [measurement, field];
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
