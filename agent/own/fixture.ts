import { unpack } from "#shared/columns";
import type { Columns } from "../metrics/to-columns.ts";

/** One value of a batch. */
export interface Row {
  readonly at: number;
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly field: string;
  readonly value: unknown;
}

/** Every value that the batches hold. */
export function rowsOf(batches: readonly Columns[]): Row[] {
  return batches.flatMap(({ t, dt, m }) =>
    m.flatMap(({ n: measurement, tags = {}, f }) =>
      Object.entries(f).flatMap(([field, column]) =>
        unpack(column, dt.length).flatMap((value, index) =>
          value === null ? [] : [{ at: t + (dt[index] ?? 0), measurement, tags, field, value }],
        ),
      ),
    ),
  );
}
