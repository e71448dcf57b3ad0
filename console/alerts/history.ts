import type { RuleCheck } from "#shared/alerts/rule-check";
import type { ReplayRow } from "#shared/alerts/replay";
import type { FieldValue } from "#shared/columns";
import type { DeviceId } from "#shared/ids";
import type { MetricsStore } from "../store/store.ts";
import { seriesOfTags, tagsOfSeries } from "./alert.ts";

/** Milliseconds that one question to the store is about where each sample counts: of one a second it has half as many as an answer may. */
export const askedAtOnce = 3 * 3_600_000;

export interface AskedRows {
  readonly device: DeviceId;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  /** Of this series alone. */
  readonly series?: string;
  /** The mean of each such span, ms; each sample where it is 0. */
  readonly every: number;
}

/** What the store has of a check's fields, row by row, by series. @throws StoreUnavailableError, BadInputError */
export async function rowsFromStore(
  store: Pick<MetricsStore, "query">,
  { inputs }: RuleCheck,
  { device, from, to, series, every }: AskedRows,
): Promise<ReadonlyMap<string, readonly ReplayRow[]>> {
  const rows = new Map<string, Map<number, FieldValue[]>>();
  const tags = series === undefined ? {} : (tagsOfSeries(series) ?? {});
  const span = every === 0 ? askedAtOnce : to - from;
  for (const [place, { measurement, field }] of inputs.entries())
    for (let begin = from; begin < to; begin += span) {
      const end = Math.min(to, begin + span);
      const found = await store.query({ device, measurement, field, tags, from: begin, to: end, every, by: "alerts" });
      for (const one of found) {
        const key = seriesOfTags(withoutHost(one.tags));
        if (series !== undefined && key !== series) continue;
        const its = rows.get(key) ?? new Map<number, FieldValue[]>();
        rows.set(key, its);
        for (const [at, value] of one.points) {
          const row = its.get(at) ?? inputs.map(() => null);
          row[place] = value;
          its.set(at, row);
        }
      }
    }
  return new Map([...rows].map(([key, its]) => [key, inOrder(its)]));
}

function inOrder(rows: ReadonlyMap<number, readonly FieldValue[]>): readonly ReplayRow[] {
  return [...rows].sort(([one], [other]) => one - other).map(([at, values]) => [at, ...values] as const);
}

function withoutHost(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tags).filter(([name]) => name !== "host"));
}
