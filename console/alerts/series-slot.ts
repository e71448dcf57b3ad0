import { normal } from "#shared/alerts/alert-state";
import { Watched } from "#shared/alerts/rule-check";
import type { FieldValue } from "#shared/columns";
import type { DeviceId } from "#shared/ids";
import { slotKey } from "./alert.ts";
import type { AlertBook } from "./alert-book.ts";
import type { AlertRows, PointRow } from "./alert-rows.ts";
import type { RuleOn } from "./rule-set.ts";

/** One rule on one series. */
export interface SeriesSlot {
  readonly on: RuleOn;
  readonly watched: Watched;
  /** Whether what is reckoned of it has to outlive the process: the newest sample, and the means that forecasts go by. */
  readonly remembers: boolean;
  readonly forecasts: boolean;
  /** The newest mean of forecasts that is written down. */
  kept: number;
  /** Tells whether the condition holds of one sample by itself; undefined where it takes a new one for each, since it would remember. */
  readonly probe: Watched | undefined;
  /** Up to when its state was written down by an earlier run: samples that come again must not lead there once more. */
  readonly floor: number;
}

export interface SlotOptions {
  readonly book: Pick<AlertBook, "stateOf" | "settledUpTo" | "notePoint">;
  readonly rows: Pick<AlertRows, "point" | "dropPoints">;
}

/** Makes slots, with what an earlier run has left of them, and writes down what has to outlive this one: the newest sample of rates and changes, and the means that forecasts go by. */
export class SeriesSlots {
  readonly #options: SlotOptions;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  /** @param series as alerts have it */
  open(device: DeviceId, on: RuleOn, series: string): SeriesSlot {
    const { book, rows } = this.#options;
    const rule = on.read.rule.name;
    const watched = new Watched(on.check, book.stateOf(rule, device, series));
    const remembers = on.check.inputs.some(({ by }) => by === "rate" || by === "changed");
    if (remembers) {
      const kept = rows.point({ rule, device, series })?.points ?? [];
      for (const [place, [at, value]] of kept.entries()) {
        const memory = watched.memories[place];
        if (memory) [memory.at, memory.value] = [at, value];
      }
    }
    const forecasts = on.check.inputs.some(({ by }) => by === "forecast");
    if (forecasts) this.#recall(watched, { rule, device, series });
    const probe = on.check.inputs.some(({ by }) => by !== "value") ? undefined : new Watched(on.check, normal);
    const kept = newestMean(watched);
    return { on, watched, remembers, forecasts, kept, probe, floor: book.settledUpTo(rule, device, series) };
  }

  /** Takes the means that a forecast goes by, as an earlier run has left them. */
  #recall(watched: Watched, { rule, device, series }: Omit<PointRow, "points">): void {
    for (const [place, memory] of watched.memories.entries()) {
      if (watched.check.inputs[place]?.by !== "forecast") continue;
      const kept = this.#options.rows.point({ rule, device, series: meansOf(series, place) })?.points ?? [];
      for (const [at, mean] of kept) if (typeof mean === "number") memory.points.push(at, mean);
    }
  }

  /** Writes the means of forecasts down, with each new one: every quarter of an hour. */
  #keepMeans(device: string, series: string, slot: SeriesSlot): void {
    const { on, watched } = slot;
    const newest = newestMean(watched);
    if (newest === slot.kept) return;
    slot.kept = newest;
    const rule = on.read.rule.name;
    for (const [place, { points }] of watched.memories.entries()) {
      if (watched.check.inputs[place]?.by !== "forecast") continue;
      const row = { rule, device, series: meansOf(series, place) };
      this.#options.book.notePoint(slotKey(rule, device, row.series), () => ({ ...row, points: pairs(points) }));
    }
  }

  /** Writes down what is to be remembered of a series behind a batch. */
  keep(device: DeviceId, series: string, slot: SeriesSlot): void {
    if (slot.remembers) this.#remember(device, series, slot);
    if (slot.forecasts) this.#keepMeans(device, series, slot);
  }

  #remember(device: DeviceId, series: string, { on, watched }: SeriesSlot): void {
    const rule = on.read.rule.name;
    this.#options.book.notePoint(slotKey(rule, device, series), () => ({
      rule,
      device,
      series,
      points: watched.memories.map(({ at, value }) => [Number.isFinite(at) ? at : 0, value] as const),
    }));
  }

  /** Forgets what was remembered of a series. */
  drop(device: string, series: string, slots: readonly SeriesSlot[]): void {
    for (const { on, remembers, forecasts } of slots) {
      const rule = on.read.rule.name;
      const names = [
        ...(remembers ? [series] : []),
        ...(forecasts ? on.check.inputs.map((_, place) => meansOf(series, place)) : []),
      ];
      for (const name of names) this.#options.rows.dropPoints({ rule, device, series: name });
    }
  }
}

/** A rule that is looked at anew, as others were changed, goes on with what it has remembered of each input that it still has. */
export function goOn({ on, watched }: SeriesSlot, before: readonly SeriesSlot[]): void {
  const last = before.find((one) => one.on.read.rule.name === on.read.rule.name)?.watched;
  for (const [place, { name }] of last ? watched.check.inputs.entries() : []) {
    const found = last?.memories[last.check.inputs.findIndex((one) => one.name === name)];
    const memory = watched.memories[place];
    if (found && memory) Object.assign(memory, found, { points: [...found.points] });
  }
}

/** Under which the means that a forecast goes by are kept. */
const meansOf = (series: string, place: number): string => `means ${place} ${series}`;

function newestMean({ memories }: Watched): number {
  return Math.max(...memories.map(({ points }) => points.at(-2) ?? -Infinity));
}

function pairs(points: readonly number[]): (readonly [number, number])[] {
  const all: (readonly [number, number])[] = [];
  for (let place = 0; place + 1 < points.length; place += 2) all.push([points[place]!, points[place + 1]!]);
  return all;
}

/** Whether a sample that is older than what was looked at says something: its condition holds, and the state of now does not go back so far. */
export function ofInterest(
  { on, watched, remembers, probe }: SeriesSlot,
  at: number,
  values: readonly FieldValue[],
): boolean {
  const { state } = watched;
  if (state.phase !== "normal" && state.since <= at) return false;
  return remembers || (probe ?? new Watched(on.check, normal)).holdsAt(at, values) === true;
}
