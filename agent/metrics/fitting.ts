import { isList, pack, unpack, type Column, type FieldValue } from "#shared/columns";
import { fits, isColumn, isPlain, isTags, maxInBatch, maxSpread } from "#shared/messages/batch-check";
import type { Measurement } from "#shared/messages/metrics";
import { isMeasurement, isName, nameFault } from "#shared/messages/names";
import type { Columns } from "./to-columns.ts";

/** What no console would ever take, and why. */
export interface Unfit {
  readonly measurement: string;
  /** Empty where it is the series as a whole. */
  readonly field: string;
  readonly why: string;
}

/** Without what could never pass, field by field. @returns undefined when nothing is left */
export function cleaned({ m, ...instants }: Columns, aside: (unfit: Unfit) => void): Columns | undefined {
  const { length } = instants.dt;
  if (![instants.t, instants.mono, ...instants.dt].every(Number.isFinite)) {
    aside({ measurement: m[0]?.n ?? "", field: "", why: "its instants are no times" });
    return undefined;
  }
  const series = m.flatMap((one) => cleanSeries(one, length, aside) ?? []);
  return series.length === 0 ? undefined : { ...fromFirst(instants), m: series };
}

/**
 * A batch of clean series in two that are nearer to what one may be: by series or fields where there are too many of these, else by
 * instants, so that names are sent as seldom as can be. @returns undefined for a single value
 */
export function parted(columns: Columns): Columns[] | undefined {
  const { m, dt } = columns;
  const counts = m.map(({ f }) => Object.keys(f).length);
  const fields = counts.reduce((sum, count) => sum + count, 0);
  const cut = tooFar(dt);
  if (cut !== undefined) return byInstants(columns, cut);
  if (m.length > 1 && (m.length > maxInBatch.series || fields > maxSpread.fields)) return bySeries(columns);
  if (m.length === 1 && fields > maxSpread.fieldsOfSeries) return byFields(columns);
  if (dt.length > 1 && Math.max(...counts) <= maxSpread.fieldsOfSeries) return byInstants(columns, dt.length >> 1);
  if (m.length > 1) return bySeries(columns);
  return fields > 1 ? byFields(columns) : undefined;
}

function cleanSeries(one: Measurement, length: number, aside: (unfit: Unfit) => void): Measurement | undefined {
  const { n: measurement, tags, f } = one;
  const unfit = (field: string, why: string): void => aside({ measurement, field, why });
  if (!isMeasurement(measurement)) unfit("", `its measurement is no name: ${nameFault}`);
  else if (tags !== undefined && !isTags(tags))
    unfit("", "one of its tags is no name, or has a value that none may have");
  else {
    const fields: Record<string, Column> = {};
    for (const [field, column] of Object.entries(f)) {
      const fit = cleanColumn(field, column, length, unfit);
      if (fit !== undefined) fields[field] = fit;
    }
    for (const _ in fields) return { ...one, f: fields };
  }
  return undefined;
}

function cleanColumn(
  field: string,
  column: Column,
  length: number,
  unfit: (field: string, why: string) => void,
): Column | undefined {
  if (!isName(field)) {
    unfit(field, `it is no name: ${nameFault}`);
    return undefined;
  }
  if (isColumn(column) && fits(column, length)) return column;
  unfit(field, "a value is neither a number nor a boolean nor a text of a sensible length");
  if (!isList(column) || column.length !== length) return undefined;
  const values = column.map((value) => (isPlain(value) ? value : null));
  return isEmpty(values) ? undefined : pack(values);
}

/** The same instants, counted from the first: only what lies behind that can be said. */
function fromFirst({ t, mono, dt }: Omit<Columns, "m">): Omit<Columns, "m"> {
  const first = dt.reduce((least, offset) => Math.min(least, offset), 0);
  return first === 0 ? { t, mono, dt } : { t: t + first, mono: mono + first, dt: dt.map((offset) => offset - first) };
}

/** The first instant that is too far from the first of all, or one too many. */
function tooFar(dt: readonly number[]): number | undefined {
  const first = dt[0] ?? 0;
  const far = dt.findIndex(
    (offset, at) => at > 0 && (Math.abs(offset - first) > maxInBatch.offset || at >= maxInBatch.instants),
  );
  return far < 0 ? undefined : far;
}

function byInstants(columns: Columns, cut: number): Columns[] {
  return [slice(columns, 0, cut), slice(columns, cut, columns.dt.length)].filter(({ m }) => m.length > 0);
}

function slice({ t, mono, dt, m }: Columns, from: number, to: number): Columns {
  const first = dt[from] ?? 0;
  const instants = fromFirst({
    t: t + first,
    mono: mono + first,
    dt: dt.slice(from, to).map((offset) => offset - first),
  });
  const series = m.flatMap((one) => {
    const columns = Object.entries(one.f).flatMap(([field, column]) => {
      const values = unpack(column, dt.length).slice(from, to);
      return isEmpty(values) ? [] : [[field, pack(values)] as const];
    });
    return columns.length === 0 ? [] : [{ ...one, f: Object.fromEntries(columns) }];
  });
  return { ...instants, m: series };
}

function bySeries({ m, ...instants }: Columns): Columns[] {
  return halves(m).map((part) => ({ ...instants, m: part }));
}

/** The same series with some of its fields: at the console they come together again. */
function byFields({ m, ...instants }: Columns): Columns[] {
  return m.flatMap((one) =>
    halves(Object.entries(one.f)).map((part) => ({ ...instants, m: [{ ...one, f: Object.fromEntries(part) }] })),
  );
}

function halves<T>(list: readonly T[]): T[][] {
  const middle = list.length >> 1;
  return [list.slice(0, middle), list.slice(middle)];
}

function isEmpty(values: readonly FieldValue[]): boolean {
  return values.every((value) => value === null);
}
