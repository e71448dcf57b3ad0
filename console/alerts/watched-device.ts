import { sameTags } from "../store/same-tags.ts";
import type { SeriesColumns } from "../store/store.ts";
import { seriesOfTags } from "./alert.ts";
import type { RuleSet } from "./rule-set.ts";
import type { SeriesSlot } from "./series-slot.ts";

/** A series that rules look at. */
export interface SeriesPlan {
  readonly measurement: string;
  readonly tags: SeriesColumns["tags"];
  readonly series: string;
  slots: readonly SeriesSlot[];
  /** The newest instant that was looked at, epoch ms. */
  last: number;
  /** When it was in a batch last, by the monotonic clock. */
  heard: number;
}

/** What is watched of one device. */
export interface WatchedDevice {
  rules: RuleSet;
  isStale: boolean;
  /** What is not later was looked at by an earlier run of the console, or of a series that was forgotten. */
  floor: number;
  /** When silent series were looked for, and when it was said that there is no room; by the monotonic clock. */
  tidied: number;
  told: number;
  readonly plans: Map<string, SeriesPlan>;
  /** Measurements of which there is a whole: their parts are not looked at unless a rule chooses series, as filters have it. */
  wholes: Set<string>;
  /** In the order of the last batch. */
  readonly order: SeriesPlan[];
}

/** A series of a batch: mostly where it was in the batch before. */
export function planOf(watch: WatchedDevice, one: SeriesColumns, position: number): SeriesPlan | undefined {
  const guess = watch.order[position];
  if (guess && guess.measurement === one.measurement && sameTags(guess.tags, one.tags)) return guess;
  const plan = watch.plans.get(`${one.measurement}\n${seriesOfTags(one.tags)}`);
  if (plan && position <= watch.order.length) watch.order[position] = plan;
  return plan;
}

/** Takes down of which measurements a batch has the whole: what was looked at in parts is so no more, once for each of them. */
export function findWholes({ rules, wholes, plans }: WatchedDevice, batch: readonly SeriesColumns[]): void {
  for (const { measurement, tags } of batch) {
    if (wholes.has(measurement) || !rules.ofValues.has(measurement) || !isWhole(tags)) continue;
    wholes.add(measurement);
    for (const plan of plans.values())
      if (plan.measurement === measurement && !isWhole(plan.tags))
        plan.slots = plan.slots.filter(({ on }) => on.read.rule.series);
  }
}

export function isWhole(tags: SeriesColumns["tags"]): boolean {
  for (const name in tags) if (tags[name]?.endsWith("-total")) return true;
  return false;
}
