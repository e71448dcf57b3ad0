import { unpack, type FieldValue } from "#shared/columns";
import type { Database } from "../database/database.ts";
import type { SeriesColumns, WriteOutcome } from "./store.ts";

/** Writes samples as rows, and knows the numbers of their series. */
export class RowWriter {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #wrote: (series: number, ts: number) => void;
  readonly #seriesIds = new Map<string, number>();

  /** @param wrote called with each row */
  constructor(database: Database, wrote: (series: number, ts: number) => void) {
    this.#statements = prepare(database);
    this.#wrote = wrote;
  }

  /** Numbers that were given may be nobody's: a transaction was undone, or series have gone. */
  forgetSeries(): void {
    this.#seriesIds.clear();
  }

  /** @returns what will never be taken */
  *write(series: SeriesColumns): Iterable<WriteOutcome["rejected"][number]> {
    const { device, measurement, times, fields } = series;
    const columns = Object.entries(fields).map(([field, column]) => [field, unpack(column, times.length)] as const);
    const id = this.#seriesId(series);
    let unfit = 0;
    for (const [index, ts] of times.entries()) {
      const values: Record<string, FieldValue> = {};
      for (const [field, column] of columns) {
        const value = column[index];
        if (typeof value === "number" && !Number.isFinite(value)) unfit += 1;
        else if (value !== null && value !== undefined) values[field] = value;
      }
      if (Object.keys(values).length === 0) continue;
      const time = Math.round(ts);
      this.#statements.upsert.run(id, time, JSON.stringify(values));
      this.#wrote(id, time);
    }
    if (unfit > 0) yield { device, measurement, why: "a number that is not finite", count: unfit };
  }

  #seriesId({ device, measurement, tags }: SeriesColumns): number {
    const sorted = JSON.stringify(Object.fromEntries(Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1))));
    const key = `${device}\n${measurement}\n${sorted}`;
    const known = this.#seriesIds.get(key);
    if (known !== undefined) return known;
    const { id } = this.#statements.takeSeries.get(device, measurement, sorted) as { id: number };
    this.#seriesIds.set(key, id);
    return id;
  }
}

function prepare(database: Database) {
  return {
    takeSeries: database.prepare(
      "INSERT INTO series (device, measurement, tags) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET device = excluded.device RETURNING id",
    ),
    // Writing a sample again overwrites it; other fields of the same instant are merged, as in InfluxDB.
    upsert: database.prepare(
      "INSERT INTO samples (series, ts, fields) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET fields = CASE WHEN json_valid(fields) THEN json_patch(fields, excluded.fields) ELSE excluded.fields END",
    ),
  };
}
