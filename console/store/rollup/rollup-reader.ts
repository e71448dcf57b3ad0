import type { Database } from "../../database/database.ts";
import type { DamagedStretches } from "../damaged-stretches.ts";
import { RawPoints, type SlotSink } from "../point-sinks.ts";
import type { Thinned } from "../store.ts";
import type { FieldRange, StretchReader } from "../stretch-reader.ts";
import { unpackRollup, type UnpackedRollup } from "./packed-rollup.ts";
import { minute, quarter, type RollupStep } from "./rollup.ts";

/** What is asked for of one field; `every` is 0 for the samples themselves. */
export interface RollupRange extends FieldRange {
  readonly every: number;
}

/** A day of a series whose roll-ups are there. */
export interface RolledDay {
  readonly first: number;
  readonly until: number;
  readonly samples: number;
  readonly minutes: number;
  readonly quarters: number;
}

/** A time that is read from its samples, or from roll-ups of one step. */
interface Part {
  readonly from: number;
  readonly to: number;
  /** 0 for the samples. */
  readonly step: RollupStep | 0;
  /** The day that it is of, where it is read from roll-ups. */
  readonly day?: RolledDay;
}

/** Reads a field's history from roll-ups where they say the same as its samples, or where these have gone; and else from its samples. */
export class RollupReader {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #samples: StretchReader;
  readonly #damaged: DamagedStretches;

  constructor(database: Database, samples: StretchReader, damaged: DamagedStretches) {
    this.#statements = prepare(database);
    this.#samples = samples;
    this.#damaged = damaged;
  }

  days(series: number, from: number, to: number): readonly RolledDay[] {
    return this.#statements.days.all(series, from, to) as RolledDay[];
  }

  /** @param room rows that are looked at, at most @returns what there was no more of than roll-ups */
  read(series: number, range: RollupRange, days: readonly RolledDay[], room: number, sink: SlotSink): Thinned[] {
    const thinned: Thinned[] = [];
    const { field, every } = range;
    for (const { from, to, step, day } of partsOf(range, days)) {
      if (step !== 0 && (every === 0 || every % step !== 0)) add(thinned, { from, to, step });
      const own = { field, from, to };
      const hasRoom =
        day && step !== 0
          ? this.#rolledUp(series, own, { day, step }, sink)
          : this.#samples.read(series, own, room, sink);
      if (!hasRoom) break;
    }
    return thinned;
  }

  #rolledUp(
    series: number,
    range: FieldRange,
    { day, step: best }: { day: RolledDay; step: RollupStep },
    sink: SlotSink,
  ) {
    const { first, until, samples } = day;
    const { field, to } = range;
    const rowOf = (step: RollupStep) =>
      this.#statements.rollup.get(series, step, first, field) as { data: Uint8Array } | undefined;
    const kept = rowOf(best);
    const hasSamples = samples === 2;
    // Long texts fit into quarters of an hour, where their minutes are too much.
    const step = kept ? best : quarter;
    const row = kept ?? (hasSamples ? undefined : rowOf(step));
    const rollup = row && this.#damaged.reading({ series, first, last: until }, field, () => unpackRollup(row.data));
    if (!rollup && hasSamples) return this.#samples.read(series, range, Number.MAX_SAFE_INTEGER - 1, sink);
    // What has come since stands among the steps.
    const more = samples === 0 ? this.#more(series, range) : none;
    let at = 0;
    const addMore = (time: number): boolean => {
      for (; at < more.times.length && more.times[at]! < time; at += 1)
        if (!sink.add(more.times[at]!, more.values[at]!)) return false;
      return true;
    };
    return (!rollup || addRollup(rollup, { ...range, first, step }, addMore, sink)) && addMore(to);
  }

  #more(series: number, range: FieldRange): RawPoints {
    const points = new RawPoints(Number.MAX_SAFE_INTEGER - 1);
    const { from, to } = range;
    if (this.#samples.has(series, from, to) || this.#statements.anyRow.get(series, from, to))
      this.#samples.read(series, range, Number.MAX_SAFE_INTEGER - 1, points);
    return points;
  }
}

const none: Pick<RawPoints, "times" | "values"> = { times: [], values: [] };

/** Steps that begin in the time: so that none is in two times that follow each other. */
function addRollup(
  rollup: UnpackedRollup,
  { first, step, from, to }: { first: number; step: number; from: number; to: number },
  before: (time: number) => boolean,
  sink: SlotSink,
): boolean {
  const { places, counts, sums, lows, highs, statePlaces, states } = rollup;
  const timeOf = (place: number | undefined): number => (place === undefined ? Infinity : first + place * step);
  for (let [at, state] = [0, 0]; ;) {
    const [time, stated] = [timeOf(places[at]), timeOf(statePlaces[state])];
    const next = Math.min(time, stated);
    if (next >= to) return true;
    const isNumber = time <= stated;
    if (next >= from) {
      if (!before(next)) return false;
      const hasRoom = isNumber
        ? sink.addSlot(next, counts[at]!, sums[at]!, lows[at]!, highs[at]!)
        : sink.add(next, states[state]!);
      if (!hasRoom) return false;
    }
    if (isNumber) at += 1;
    else state += 1;
  }
}

/** Times of one step that follow each other are one. */
function add(thinned: Thinned[], one: Thinned): void {
  const last = thinned.at(-1);
  if (last?.step === one.step && last.to === one.from) thinned[thinned.length - 1] = { ...last, to: one.to };
  else thinned.push(one);
}

/** What of the range is read how, in order of time; what is read from samples is as long as it can be. */
function partsOf(range: RollupRange, days: readonly RolledDay[]): Part[] {
  const parts: Part[] = [];
  let at = range.from;
  const addSamples = (to: number): void => {
    if (at < to) parts.push({ from: at, to, step: 0 });
  };
  for (const day of days) {
    const step = stepOf(day, range);
    if (step === 0) continue;
    const [from, to] = [Math.max(day.first, range.from), Math.min(day.until, range.to)];
    addSamples(from);
    parts.push({ from, to, step, day });
    at = to;
  }
  addSamples(range.to);
  return parts;
}

/** The longest steps of which those that are asked for consist, or what there is. */
function stepOf(
  { first, until, samples, minutes, quarters }: RolledDay,
  { from, to, every }: RollupRange,
): RollupStep | 0 {
  const isFit = (step: RollupStep): boolean => every > 0 && every % step === 0;
  const fit = quarters > 0 && isFit(quarter) ? quarter : minutes > 0 && isFit(minute) ? minute : undefined;
  const isWhole = first >= from && until <= to;
  if (samples === 2) return fit !== undefined && isWhole ? fit : 0;
  return fit ?? (minutes > 0 ? minute : quarters > 0 ? quarter : 0);
}

function prepare(database: Database) {
  return {
    days: database.prepare(
      `SELECT first, until, samples, minutes, quarters FROM days WHERE series = ?1 AND first < ?3 AND until > ?2
         AND first >= COALESCE((SELECT MAX(first) FROM days WHERE series = ?1 AND first <= ?2), ?2)
       ORDER BY first`,
    ),
    anyRow: database.prepare("SELECT 1 FROM samples WHERE series = ?1 AND ts >= ?2 AND ts < ?3 LIMIT 1"),
    rollup: database.prepare("SELECT data FROM rollups WHERE series = ?1 AND step = ?2 AND first = ?3 AND field = ?4"),
  };
}
