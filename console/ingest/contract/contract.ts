import type { Clock } from "#shared/clock";
import type { Column, FieldValue } from "#shared/columns";
import type { FieldType } from "#shared/field-type";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { maxTextLength, type SimpleMessage } from "#shared/messages/simple";
import type { Database } from "../../database/database.ts";
import type { SeriesColumns, StoredTypes } from "../../store/store.ts";
import { otherValue, wantedFor } from "./advice.ts";
import { BatchSeries, Said } from "./batch-series.ts";
import { conforms, isConflict, sampleOf, sift, typeOfColumn, type Misfits } from "./column-check.ts";
import { Conflicts, type ConflictsOptions } from "./conflicts.ts";
import { FieldTypes, type MeasurementTypes } from "./field-types.ts";
import { HeldValues, type HeldOptions } from "./held.ts";
import { Quarantine } from "./quarantine.ts";
import { SeriesBudget, type SeriesBudgetOptions } from "./series-budget.ts";

export interface ContractOptions {
  readonly database: Database;
  /** Types by `measurement.field`. */
  readonly fieldTypes: ReadonlyMap<string, FieldType>;
  /** Series that one device may have. */
  readonly seriesBudget: number;
  /** What the store holds already; asked with each message, so it must cost nothing. */
  readonly stored: () => StoredTypes | undefined;
  /** The SQLite file of values that are held until somebody settles what their field is. */
  readonly heldPath: string;
  readonly damage?: HeldOptions["damage"];
  /** Tells a device's sender, on `refused`, about one of its fields. */
  readonly tell?: ConflictsOptions["tell"];
  /** What is to be seen beside a device. */
  readonly problem?: ConflictsOptions["problem"];
  readonly crowded?: SeriesBudgetOptions["problem"];
  readonly clock: Clock;
  /** Whether something may be let go of because of its age; always unless given. */
  readonly dated?: () => boolean;
  readonly log: Log;
  /** 0 ≤ n < 1 */
  readonly random: () => number;
}

/**
 * Fields of one message whose misfits are told apart: each costs some microseconds, and a batch has room for thousands. Who has so
 * many is broken, and a few hundred of them say how.
 */
export const maxMisfits = 500;

/**
 * The gate before the store. InfluxDB refuses a whole line for one field of another type than it has, and every new series
 * costs it memory for good. So a field has one type, what does not fit is set aside field by field with a note in the
 * quarantine, and a device has a budget of series. All else passes. Where only the first device to send a field has made its type, that
 * is no reason to lose what others send: their values are held on disk until a person settles it.
 */
export class Contract {
  readonly quarantine: Quarantine;
  readonly budget: SeriesBudget;
  readonly held: HeldValues;
  readonly conflicts: Conflicts;
  /** Values set aside since the start. */
  setAside = 0;
  /** Fields of the present message that had values which do not fit. */
  #misfits = 0;
  readonly #options: ContractOptions;
  readonly #batch = new BatchSeries();
  readonly types: FieldTypes;

  constructor(options: ContractOptions) {
    this.#options = options;
    const { fieldTypes, clock, random, crowded } = options;
    this.quarantine = new Quarantine(options);
    this.budget = new SeriesBudget({
      // It may change while the console runs.
      get budget() {
        return options.seriesBudget;
      },
      clock,
      random,
      ...(crowded ? { problem: crowded } : {}),
    });
    const types = (this.types = new FieldTypes({ ...options, declared: fieldTypes }));
    const held = (this.held = new HeldValues({ ...options, path: options.heldPath }));
    const { log, tell = () => {}, problem = () => {} } = options;
    this.conflicts = new Conflicts({ types, held, log, tell, problem });
  }

  start(): void {
    this.types.start();
    this.quarantine.start();
    this.held.start();
    this.conflicts.start();
  }

  stop(): void {
    this.quarantine.stop();
    this.held.stop();
  }

  /**
   * What may be written of a device's series. Costs next to nothing where all of it may.
   * @throws NoRoomError when something is to be held, and the disk does not take it
   */
  admit(series: readonly SeriesColumns[]): readonly SeriesColumns[] {
    return this.#admitAll(series, (one) => this.#admitOne(one, this.budget.hashOf(one)));
  }

  /**
   * The same for a batch, whose series share their instants: of two with the same name and tags nothing of the second is admitted that would
   * overwrite the first. @throws NoRoomError as {@link admit}
   */
  admitBatch(series: readonly SeriesColumns[]): readonly SeriesColumns[] {
    this.#batch.begin();
    const said = new Said();
    return this.#admitAll(series, (one, admitted) => {
      const hash = this.budget.hashOf(one);
      const fit = this.#admitOne(one, hash);
      if (!fit) return undefined;
      const first = admitted[this.#batch.first(hash, admitted.length) ?? -1];
      return first ? this.#beside(said, first, fit) : fit;
    });
  }

  #admitAll(
    series: readonly SeriesColumns[],
    judge: (one: SeriesColumns, admitted: readonly SeriesColumns[]) => SeriesColumns | undefined,
  ): readonly SeriesColumns[] {
    const stored = this.#options.stored();
    if (stored) this.types.learn(stored);
    this.#misfits = 0;
    const admitted: SeriesColumns[] = [];
    try {
      for (const one of series) {
        const fit = judge(one, admitted);
        if (fit) admitted.push(fit);
      }
      return admitted;
    } finally {
      // One transaction for all that one message brings.
      this.types.commit();
      this.held.commit();
      this.conflicts.commit();
    }
  }

  /**
   * Resolves once what was held and learned of all that was admitted is on the disk; undefined where it is already, which is nearly always.
   * Only then may a sender be told, or a message leave the spool. @throws NoRoomError, EnvironmentError when the disk refuses
   */
  synced(): Promise<unknown> | undefined {
    const held = this.held.synced();
    const types = this.types.synced();
    return held && types ? Promise.all([held, types]) : (held ?? types);
  }

  /** Notes what of a message's samples never became a field. To be called after {@link admit}, with which it shares its bound. */
  note(device: DeviceId, measurement: string, { odd, more }: Pick<SimpleMessage, "odd" | "more">): void {
    if (odd.length === 0) return;
    this.setAside += odd.length + more;
    if (more > 0) this.quarantine.count(device, more);
    for (const { field, got, sample } of odd) {
      if (this.#isTold())
        this.quarantine.add({ device, measurement, field, got, wanted: wantedFor(got), sample, count: 1 });
      else this.quarantine.count(device, 1);
    }
  }

  /**
   * The device is no more: what was set aside and held of it is let go. What a field is by its word stays so.
   * @throws Error of a database
   */
  erase(device: DeviceId): void {
    const { quarantine, held, conflicts } = this;
    quarantine.forget(device);
    for (const [measurement, field] of held.forget(device)) conflicts.settled(measurement, field, [device]);
  }

  #admitOne(series: SeriesColumns, hash: number): SeriesColumns | undefined {
    const { measurement, times, fields } = series;
    if (!this.budget.admits(series, hash)) {
      this.setAside += times.length * Object.keys(fields).length;
      return undefined;
    }
    const types = this.types.of(measurement);
    if (types && isFit(series, types)) return withIntegers(series, types);
    const kept = new Map<string, Column>();
    for (const [field, column] of Object.entries(fields)) this.setAside += this.#sift(series, field, column, kept);
    const known = this.types.of(measurement);
    return kept.size > 0 && known ? withIntegers({ ...series, fields: Object.fromEntries(kept) }, known) : undefined;
  }

  /** What of a series may be written beside the first of its name in the batch. */
  #beside(said: Said, first: SeriesColumns, series: SeriesColumns): SeriesColumns | undefined {
    const { device, measurement } = series;
    const { rest, others } = said.sift(first, series);
    for (const { field, sample, count } of others) {
      this.setAside += count;
      if (!this.#isTold()) this.quarantine.count(device, count);
      else {
        const text = sampleOf(sample);
        this.quarantine.add({ device, measurement, field, ...otherValue, sample: text, count });
      }
    }
    return rest;
  }

  /** One field more of this message whose values do not fit. @returns whether there is room to tell it apart */
  #isTold(): boolean {
    this.#misfits += 1;
    return this.#misfits <= maxMisfits;
  }

  /** Puts what is fit of one field into `into`. @returns the number of values set aside */
  #sift(series: SeriesColumns, field: string, column: Column, into: Map<string, Column>): number {
    const { device, measurement, times } = series;
    const type = this.types.of(measurement)?.fields.get(field) ?? this.#settle(device, measurement, field, column);
    if (typeof type === "object") {
      if (!this.#isTold()) return this.quarantine.count(device, times.length);
      const misfit = { device, measurement, field, ...type, sample: sampleOf(firstOf(column)), count: times.length };
      this.quarantine.add(misfit);
      return times.length;
    }
    if (type !== undefined && conforms(column, type)) {
      into.set(field, column);
      return 0;
    }
    const decided = type === undefined ? undefined : this.types.decided(measurement, field);
    const { kept, conflicting, misfits } = sift(column, times.length, type, decided?.how === "settled");
    if (kept !== undefined) into.set(field, kept);
    let aside = 0;
    if (misfits.size > 0 && !this.#isTold()) {
      for (const { count } of misfits.values()) aside += count;
      if (conflicting !== undefined && !decided) this.conflicts.overflowed(device, measurement, field);
      return this.quarantine.count(device, aside);
    }
    if (conflicting !== undefined && type !== undefined && !decided) this.#hold(series, field, conflicting, misfits);
    for (const [got, { sample, count }] of misfits) {
      const wanted = wantedOf(got) ?? type ?? "float";
      this.quarantine.add({ device, measurement, field, got, wanted, sample, count });
      aside += count;
    }
    return aside;
  }

  /** @throws NoRoomError when the disk does not take them */
  #hold(series: SeriesColumns, field: string, values: readonly FieldValue[], misfits: Misfits): void {
    const { device, measurement } = series;
    for (const [got, { sample }] of misfits) {
      if (!isConflict(got)) continue;
      const holding = this.held.add(series, field, values, { got, sample });
      if (holding === "new") this.conflicts.noticed(device, measurement, field);
      if (holding === "full") this.conflicts.overflowed(device, measurement, field);
      return;
    }
  }

  /** The type of a field that is new, or why it cannot be one. */
  #settle(
    device: DeviceId,
    measurement: string,
    field: string,
    column: Column,
  ): FieldType | undefined | { got: string; wanted: string } {
    if (this.types.isReserved(field)) return { got: "a reserved name", wanted: "another name" };
    const came = typeOfColumn(column);
    if (came === undefined) return undefined;
    return (
      this.types.settle(device, measurement, field, came) ?? {
        got: "one more field",
        wanted: "fewer different fields",
      }
    );
  }
}

/** What would have passed where another type would not. */
function wantedOf(got: string): string | undefined {
  if (got === "long text") return `text of ${maxTextLength} characters at most`;
  return got === "a garbled text" ? wantedFor(got) : undefined;
}

function isFit({ fields }: SeriesColumns, types: MeasurementTypes): boolean {
  for (const field of Object.keys(fields)) {
    const type = types.fields.get(field);
    const column = fields[field];
    if (type === undefined || column === undefined || !conforms(column, type)) return false;
  }
  return true;
}

function withIntegers(series: SeriesColumns, { integers }: MeasurementTypes): SeriesColumns {
  return integers ? { ...series, integers } : series;
}

function firstOf(column: Column): string | number | boolean | null {
  if (typeof column !== "object") return column;
  return "d" in column ? (column.d[0] ?? 0) / 10 ** column.e : (column.find((value) => value !== null) ?? null);
}
