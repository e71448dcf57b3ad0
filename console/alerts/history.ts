import type { AlertState, AlertTiming } from "#shared/alerts/alert-state";
import type { RuleCheck } from "#shared/alerts/rule-check";
import { Replay, type Replayed, type ReplayRow } from "#shared/alerts/replay";
import type { FieldValue } from "#shared/columns";
import type { DeviceId } from "#shared/ids";
import { TooManyPointsError } from "../store/points.ts";
import type { MetricsQuery, MetricsStore, QueriedSeries } from "../store/store.ts";
import { seriesOfTags, tagsOfSeries } from "./alert.ts";

/** Milliseconds that one question to the store is about where each sample counts: of one a second it has half as many as an answer may. */
export const askedAtOnce = 3 * 3_600_000;

/** Points that are read for one look at most, in portions that an answer may have. */
export const maxPointsAsked = 200_000;
/** Rows that one look goes through in a turn of the event loop: some 2 ms. */
const rowsInTurn = 4_000;

export interface AskedRows {
  readonly device: DeviceId;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  /** Of this series alone. */
  readonly series?: string;
  /** The mean of each such span, ms; each sample where it is 0. */
  readonly every: number;
  /** Who asks, for the store's queue. */
  readonly by: string;
}

/** What the store has of a check's fields, row by row, by series. @throws StoreUnavailableError, BadInputError */
export async function rowsFromStore(
  store: Pick<MetricsStore, "query">,
  { inputs }: RuleCheck,
  { device, from, to, series, every, by }: AskedRows,
): Promise<ReadonlyMap<string, readonly ReplayRow[]>> {
  const rows = new Map<string, Map<number, FieldValue[]>>();
  const tags = series === undefined ? {} : (tagsOfSeries(series) ?? {});
  let points = 0;
  for (const [place, { measurement, field }] of inputs.entries()) {
    const query = { device, measurement, field, tags, from, to, every, by };
    for await (const found of inPortions(store, query)) {
      for (const one of found) {
        const key = seriesOfTags(withoutHost(one.tags));
        points += one.points.length;
        if (points > maxPointsAsked)
          throw new TooManyPointsError(`there are more than ${maxPointsAsked} points: ask for a shorter range`);
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
  }
  return new Map([...rows].map(([key, its]) => [key, inOrder(its)]));
}

/**
 * How far apart rows are usually, ms: the median, which outages and samples sent twice do not move. Null of fewer than three rows.
 * @param rows in the order of their times
 */
export function usualInterval(rows: readonly ReplayRow[]): number | null {
  if (rows.length < 3) return null;
  const gaps = Float64Array.from(
    { length: rows.length - 1 },
    (_, at) => (rows[at + 1]?.[0] ?? 0) - (rows[at]?.[0] ?? 0),
  );
  return gaps.sort()[gaps.length >> 1] ?? null;
}

/** When a rule would have fired, with others between. @param rows in the order of their times */
export async function replayInTurns(
  check: RuleCheck,
  timing: AlertTiming,
  rows: readonly ReplayRow[],
  state?: AlertState,
): Promise<Replayed> {
  const replay = new Replay(check, timing, state);
  for (const [place, row] of rows.entries()) {
    if (place > 0 && place % rowsInTurn === 0) await new Promise<void>((next) => setImmediate(next));
    replay.take(row);
  }
  return replay.done;
}

/** Asks for a range bit by bit: for the half of it where there is too much for one answer, and for more again behind that. */
async function* inPortions(
  store: Pick<MetricsStore, "query">,
  query: MetricsQuery,
): AsyncGenerator<readonly QueriedSeries[], void, void> {
  const { from, to, every } = query;
  const most = every === 0 ? askedAtOnce : to - from;
  let span = most;
  for (let begin = from; begin < to;) {
    const end = begin + span >= to ? to : cut(begin, begin + span, every);
    let found;
    try {
      found = await store.query({ ...query, from: begin, to: end });
    } catch (thrown) {
      span = Math.floor((end - begin) / 2);
      if (!(thrown instanceof TooManyPointsError) || span < Math.max(1, 2 * every)) throw thrown;
      continue;
    }
    yield found;
    begin = end;
    span = Math.min(most, 2 * span);
  }
}

/** A moment no later than one of these, between two means and not within one. */
function cut(begin: number, end: number, every: number): number {
  const whole = every === 0 ? end : Math.floor(end / every) * every;
  return whole > begin ? whole : end;
}

function inOrder(rows: ReadonlyMap<number, readonly FieldValue[]>): readonly ReplayRow[] {
  return [...rows].sort(([one], [other]) => one - other).map(([at, values]) => [at, ...values] as const);
}

function withoutHost(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tags).filter(([name]) => name !== "host"));
}
