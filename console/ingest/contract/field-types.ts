import * as z from "zod/mini";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { FieldType } from "#shared/field-type";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { reservedNames } from "#shared/messages/names";
import { damageOf } from "../../database/damage.ts";
import { transaction, type Database } from "../../database/database.ts";
import { keptDeviceId, parserOf } from "../../database/row-fields.ts";
import { persistOf } from "../../database/persist.ts";
import type { StoredTypes } from "../../store/store.ts";
import { Unsynced } from "../../database/unsynced.ts";
import { keyOf } from "./held-counts.ts";
import { isConsoleMeasurement, shippedType } from "./shipped-types.ts";

/**
 * Who says what a field is: the release, the settings, a person, the store because it holds such values already, or the
 * device that sent it first. Nobody has decided about the last two, they came about.
 */
export type Origin =
  | DecidedOrigin
  | { readonly how: "store" }
  | { readonly how: "first"; readonly device: DeviceId; readonly since: number };
type DecidedOrigin =
  | { readonly how: "shipped" | "declared" }
  | { readonly how: "settled"; readonly by: string; readonly since: number };

export interface FieldTypesOptions {
  readonly database: Database;
  /** By `measurement.field`. */
  readonly declared: ReadonlyMap<string, FieldType>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The types of one measurement's fields. */
export interface MeasurementTypes {
  readonly fields: ReadonlyMap<string, FieldType>;
  /** Those that are integers; undefined where none is. */
  readonly integers: ReadonlySet<string> | undefined;
}

/** Fields that a device may be the first to send, and all together: names come from outside. */
export const maxFields = { ofDevice: 2_000, ofAll: 50_000 };
/** One device's field `host` would hide the tag `host` in every query over that measurement. */
const reserved: ReadonlySet<string> = new Set([...reservedNames, "host"]);

const name = { measurement: z.string(), field: z.string(), type: z.enum(["float", "integer", "string", "boolean"]) };
const row = z.object({ ...name, device: keptDeviceId });
type Row = z.infer<typeof row>;
export const parseFieldRow = parserOf(row);
const decisionRow = z.object({ ...name, by: z.string(), since: z.number() });
type Decision = Pick<z.infer<typeof decisionRow>, "type" | "by" | "since">;
export const parseDecision = parserOf(decisionRow);

interface Known {
  readonly fields: Map<string, FieldType>;
  integers: Set<string> | undefined;
}

/** The last moment that a date can be, epoch ms (ECMAScript, "Time Values and Time Range"). */
const maxMoment = 8_640_000_000_000_000;

/**
 * The type of each measurement's fields: what the store holds already, else what is declared, else what Muster ships, else
 * what a person has decided, else what came first,
 * which is kept, so that neither a restart nor an outage of the store changes it.
 */
export class FieldTypes {
  readonly #options: FieldTypesOptions;
  readonly #known = new Map<string, Known>();
  readonly #decisions = new Map<string, Decision>();
  readonly #introduced = new Map<DeviceId, number>();
  #learned: StoredTypes | undefined;
  #firstComer: ReturnType<Database["prepare"]> | undefined;
  /** What came first in the present message. */
  #unkept: Row[] = [];
  readonly #unsynced = new Unsynced();
  #count = 0;

  constructor(options: FieldTypesOptions) {
    this.#options = options;
  }

  /** Reads what came first in former runs. */
  start(): void {
    const { database } = this.#options;
    const damage = damageOf(database);
    const decided = database.prepare("SELECT measurement, field, type, by, since FROM field_decisions");
    for (const { measurement, field, ...decision } of damage.all("field_decisions", decided, parseDecision)) {
      this.#decisions.set(keyOf(measurement, field), decision);
      this.#set(measurement, field, this.#ruled(measurement, field) ?? decision.type);
    }
    const select = database.prepare("SELECT measurement, field, type, device FROM field_types");
    for (const { measurement, field, type, device } of damage.all("field_types", select, parseFieldRow)) {
      this.#set(measurement, field, this.#ruled(measurement, field) ?? type);
      this.#counted(device);
    }
  }

  /** @returns undefined where no field of the measurement has a type yet */
  of(measurement: string): MeasurementTypes | undefined {
    return this.#known.get(measurement);
  }

  /** Whether a field may have this name at all. */
  isReserved(field: string): boolean {
    return reserved.has(field);
  }

  /**
   * Gives a new field its type: the shipped or declared one, else `came`. What came is kept with the next {@link commit}.
   * @returns undefined where there is no room for more fields
   */
  settle(device: DeviceId, measurement: string, field: string, came: FieldType): FieldType | undefined {
    const shipped = shippedType(measurement, field);
    if (shipped !== undefined) {
      // Nobody has introduced it, and so it is on nobody's account.
      const type = this.#ruled(measurement, field) ?? shipped;
      this.#set(measurement, field, type);
      return type;
    }
    if (this.#count >= maxFields.ofAll || (this.#introduced.get(device) ?? 0) >= maxFields.ofDevice) return undefined;
    const type = this.#ruled(measurement, field) ?? came;
    this.#set(measurement, field, type);
    this.#counted(device);
    this.#unkept.push({ measurement, field, type, device });
    return type;
  }

  /**
   * Who has decided what a known field is; undefined where nobody has. It costs no look into the database, of which one message
   * with ten thousand values that do not fit would need as many.
   */
  decided(measurement: string, field: string): DecidedOrigin | undefined {
    if (shippedType(measurement, field) !== undefined) return { how: "shipped" };
    if (this.#options.declared.size > 0 && this.#options.declared.has(`${measurement}.${field}`))
      return { how: "declared" };
    const decision = this.#decisions.get(keyOf(measurement, field));
    if (decision?.type !== this.#known.get(measurement)?.fields.get(field)) return undefined;
    return decision && { how: "settled", by: decision.by, since: decision.since };
  }

  /** Who says what a known field is, for people: it looks into the database. */
  origin(measurement: string, field: string): Origin {
    const decided = this.decided(measurement, field);
    if (decided) return decided;
    const type = this.#known.get(measurement)?.fields.get(field);
    // A damaged one is some moment, and fails no answer: the driver reads no number beyond 2^53.
    this.#firstComer ??= this.#options.database.prepare(
      `SELECT device, MIN(MAX(since, 0), ${maxMoment}) AS since FROM field_types WHERE measurement = ? AND field = ? AND type = ?`,
    );
    const first = this.#firstComer.get(measurement, field, type ?? "") as
      | { device: DeviceId; since: number }
      | undefined;
    return first ? { how: "first", ...first } : { how: "store" };
  }

  /** Keeps what a person has decided: from now on, and before what came first. @throws when the database cannot be written */
  decide(measurement: string, field: string, type: FieldType, by: string): void {
    const since = Math.round(this.#options.clock.now());
    this.#options.database
      .prepare("INSERT OR REPLACE INTO field_decisions (measurement, field, type, by, since) VALUES (?, ?, ?, ?, ?)")
      .run(measurement, field, type, by, since);
    this.#decisions.set(keyOf(measurement, field), { type, by, since });
    this.#set(measurement, field, type);
  }

  /** Takes over what the store holds: it refuses whole lines over another type, so it has the last word. */
  learn(stored: StoredTypes): void {
    if (stored === this.#learned) return;
    this.#learned = stored;
    for (const [measurement, fields] of stored) {
      for (const [field, types] of fields) if (!reserved.has(field)) this.#learnField(measurement, field, types);
    }
  }

  #learnField(measurement: string, field: string, stored: ReadonlySet<FieldType>): void {
    const declared = this.#options.declared.get(`${measurement}.${field}`);
    const wished = this.#ruled(measurement, field) ?? this.#known.get(measurement)?.fields.get(field);
    // Where its type has changed over time the store holds several, and which one it takes now it does not say.
    const [first] = stored;
    const type = wished !== undefined && stored.has(wished) ? wished : first;
    if (type === undefined) return;
    this.#set(measurement, field, type);
    if (declared !== undefined && declared !== type)
      this.#options.log.warn(
        { measurement, field, declared, stored: type },
        `${measurement}.${field} is declared ${declared}, but InfluxDB holds it as ${type} and would refuse every line: ${type} it stays, until the measurement is dropped there`,
      );
  }

  /** The type that no value decides. */
  #ruled(measurement: string, field: string): FieldType | undefined {
    const shipped = shippedType(measurement, field);
    if (shipped !== undefined && isConsoleMeasurement(measurement)) return shipped;
    return (
      this.#options.declared.get(`${measurement}.${field}`) ??
      shipped ??
      this.#decisions.get(keyOf(measurement, field))?.type
    );
  }

  #set(measurement: string, field: string, type: FieldType): void {
    let known = this.#known.get(measurement);
    if (!known) this.#known.set(measurement, (known = { fields: new Map(), integers: undefined }));
    const before = known.fields.get(field);
    known.fields.set(field, type);
    if (before === type || (type !== "integer" && before !== "integer")) return;
    // Series on their way to the store share the set: it may grow by what none of them can have, and is else made anew.
    if (before === undefined) return void (known.integers ??= new Set()).add(field);
    const integers = [...known.fields].filter(([, one]) => one === "integer").map(([name]) => name);
    known.integers = integers.length > 0 ? new Set(integers) : undefined;
  }

  #counted(device: DeviceId): void {
    this.#count += 1;
    this.#introduced.set(device, (this.#introduced.get(device) ?? 0) + 1);
  }

  /** Resolves once the types that were kept are on the disk; undefined where they are already. @throws EnvironmentError */
  synced(): Promise<void> | undefined {
    return this.#unsynced.synced(this.#options.database);
  }

  /** Keeps what came first since the last time, in one transaction: a message may bring a thousand new fields. */
  commit(): void {
    if (this.#unkept.length === 0) return;
    const rows = this.#unkept;
    this.#unkept = [];
    const { database, clock, log } = this.#options;
    const since = Math.round(clock.now());
    const [first] = rows;
    try {
      const keep = database.prepare(
        "INSERT OR REPLACE INTO field_types (measurement, field, type, device, since) VALUES (?, ?, ?, ?, ?)",
      );
      persistOf(database).write(`type of ${first?.measurement}.${first?.field}`, () => {
        transaction(database, () => {
          for (const { measurement, field, type, device } of rows) keep.run(measurement, field, type, device, since);
        });
        this.#unsynced.add();
      });
    } catch (thrown) {
      // They hold as long as this run does, which is no reason to refuse samples.
      log.warn(
        { err: asError(thrown), measurement: first?.measurement, field: first?.field, fields: rows.length },
        "the types of new fields could not be kept",
      );
    }
  }
}
