import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { parseDeviceId } from "#shared/ids";
import type { Scope } from "../../test/suite.ts";
import { openDatabase, openForReading, transaction, type Database } from "../database/database.ts";
import type { DamagedStretch } from "./damaged-stretches.ts";
import { metricsSchema } from "./metrics-schema.ts";
import { maxPoints } from "./points.ts";
import { HistoryFile, type ReadQuery } from "./reader.ts";
import { DayFinder, type FoundDay, type FoundDays, type RollUpOrder } from "./rollup/day-finder.ts";
import { DayWriter } from "./rollup/day-writer.ts";
import { RowWriter } from "./row-writer.ts";
import { StretchFinder, type FoundStretches, type PackOrder } from "./stretch-finder.ts";
import { StretchReader } from "./stretch-reader.ts";
import { StretchWriter } from "./stretch-writer.ts";

export const deviceOfFile = parseDeviceId("d1");
const everything = -Number.MAX_SAFE_INTEGER;
const late = Number.MAX_SAFE_INTEGER;
export type FieldsOfRow = Readonly<Record<string, number | string | boolean>>;

/** A file of the embedded store, packed and rolled up step by step in this thread. */
export class StepwiseFile {
  readonly path: string;
  readonly database: Database;
  readonly writer: StretchWriter;
  readonly days: DayWriter;
  readonly #rows: RowWriter;
  readonly #finder: StretchFinder;
  readonly #dayFinder: DayFinder;
  readonly #reader: HistoryFile;
  readonly #other: Database;

  constructor(path: string) {
    this.path = path;
    this.database = openDatabase(path, metricsSchema);
    this.writer = new StretchWriter(this.database);
    this.days = new DayWriter(this.database);
    this.#rows = new RowWriter(this.database, (series, ts) => {
      this.writer.wrote(series, ts);
      this.days.wrote(series, ts);
    });
    this.#other = openForReading(path);
    this.#finder = new StretchFinder(this.#other);
    const { damaged } = this.#finder;
    this.#dayFinder = new DayFinder(this.#other, new StretchReader(this.#other, damaged), damaged);
    this.#reader = new HistoryFile(path);
  }

  write(measurement: string, ts: number, fields: FieldsOfRow): void {
    transaction(this.database, () => [
      ...this.#rows.write({ device: deviceOfFile, measurement, tags: {}, times: [ts], fields }),
    ]);
  }

  /** @returns what was found, and where to go on */
  look(order: Partial<PackOrder> = {}): FoundStretches {
    const whole = { series: 0, from: everything, before: late, ...order };
    this.writer.expect(whole.before);
    return this.#finder.find(whole);
  }

  /** @returns the days that can be rolled up */
  lookForDays(order: Pick<RollUpOrder, "day"> & Partial<RollUpOrder>): FoundDay[] {
    const days: FoundDay[] = [];
    this.writer.expect(late);
    let next: FoundDays["next"] = { series: 0, from: everything };
    while (next) {
      const answer: FoundDays = this.#dayFinder.find({
        ...next,
        before: late,
        tooOld: { 60_000: everything, 900_000: everything },
        ...order,
      });
      days.push(...answer.days);
      next = answer.next;
    }
    return days;
  }

  /** @returns whether it was put there */
  putDay(found: FoundDay): boolean {
    return !this.writer.isVoid({ ...found, last: found.until - 1 }) && this.days.put(found);
  }

  /** What the finder has found not to read. */
  damaged(): readonly DamagedStretch[] {
    return this.#finder.damaged.taken();
  }

  /** @returns the most bytes that were packed in one answer */
  packAll(rules: Pick<PackOrder, "span"> = {}): number {
    let most = 0;
    let next: FoundStretches["next"] = { series: 0, from: everything };
    while (next) {
      const answer: FoundStretches = this.look({ ...next, ...rules });
      for (const found of answer.found) assert.ok(this.writer.put(found));
      most = Math.max(most, bytesOf(answer));
      next = answer.next;
    }
    return most;
  }

  read(query: Partial<ReadQuery> = {}) {
    return this.ask(query).series[0] ?? { times: [], values: [], lows: [], highs: [] };
  }

  ask(query: Partial<ReadQuery> = {}) {
    const whole = {
      device: deviceOfFile,
      measurement: "room",
      field: "t",
      tags: {},
      from: -1e15,
      to: 1e15,
      every: 0,
      most: maxPoints,
    };
    const answer = this.#reader.read({ ...whole, ...query });
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  /** Of each measurement the last value of each field, and when that was. */
  last(from: number, to: number): unknown {
    const answer = this.#reader.last({ device: deviceOfFile, from, to, most: 10, rows: 100_000 });
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.last.map(({ measurement, fields }) => [measurement, [...fields].sort()]).sort();
  }

  count(table: string): number {
    return (this.database.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number }).count;
  }

  close(): void {
    this.#reader.close();
    this.#other.close();
    this.database.close();
  }
}

function bytesOf({ found }: FoundStretches): number {
  const fields = found.flatMap(({ packed }) => packed.flatMap((one) => one.fields));
  return fields.reduce((bytes, { data }) => bytes + data.length, 0);
}

export async function stepwiseFile(scope: Scope): Promise<StepwiseFile> {
  const file = new StepwiseFile(join(await scope.directory(), "metrics.db"));
  scope.cleanup(() => file.close());
  return file;
}

/** As a kill of the process leaves its files. */
export function killedFile(file: StepwiseFile, path: string): StepwiseFile {
  for (const suffix of ["", "-wal"])
    if (existsSync(file.path + suffix)) copyFileSync(file.path + suffix, path + suffix);
  file.close();
  return new StepwiseFile(path);
}
