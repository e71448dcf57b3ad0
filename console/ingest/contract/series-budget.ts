import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import type { SeriesColumns } from "../../store/store.ts";
import { Distinct } from "./distinct.ts";
import { hashSeries, hashText } from "./series-hash.ts";

export interface SeriesBudgetOptions {
  /** Series that one device may have. */
  readonly budget: number;
  readonly clock: Clock;
  /** 0 ≤ n < 1 */
  readonly random: () => number;
  /** A device is beyond its budget, or no more: what a person should see beside it. */
  readonly problem?: (device: DeviceId, problem: string | null) => void;
}

/** What a device has beyond its budget. Moments are epoch ms; `series` and `values` are estimates. */
export interface OverBudget {
  readonly device: DeviceId;
  /** Series that are let through. */
  readonly known: number;
  /** Series that are set aside, and their samples. */
  readonly series: number;
  readonly samples: number;
  readonly first: number;
  readonly last: number;
  /** Where they come from: the tags with the most different values, the worst first. */
  readonly worst: readonly { readonly measurement: string; readonly tag: string; readonly values: number }[];
}

/** Milliseconds after which a series that was not seen gives its place back, at the soonest: containers come and go. */
export const memory = 3_600_000;
/** Milliseconds over which new series are counted, and after which a device that keeps within its budget is no offender any more. */
export const day = 86_400_000;
/** So many budgets of new series a device may have in a day: each costs the store for good, whether it lives on or not. */
export const newInADay = 2;
/** The part of the budget that each measurement has for its own, whatever the others take. */
export const ownShare = 1 / 20;
/** Tags of one device that are looked at, and how many of them are told. */
const maxTagsSeen = 32;
const told = 5;

/** The series of one measurement of a device. */
interface Share {
  series: number;
}

/** Nothing is ever put into what is old: one empty map is enough for ten thousand devices. */
const none = new Map<number, Share>();

interface Known {
  /** Seen since the last turn, and only before it: what is not seen for a whole turn is forgotten. */
  young: Map<number, Share>;
  old: Map<number, Share>;
  turned: number;
  readonly shares: Map<string, Share>;
  /** No measurement has more than its own share: there is none to take from. */
  even: boolean;
  /** New ones since the day began. */
  fresh: number;
  dayBegan: number;
  over: Over | undefined;
}

interface Over {
  samples: number;
  readonly first: number;
  last: number;
  readonly series: Distinct;
  readonly tags: Map<string, { readonly measurement: string; readonly tag: string; readonly values: Distinct }>;
}

/**
 * Holds each device to so many series, because every new one costs the store memory for good: a tag with a random value in it
 * would fill it up. Those that were seen first since the start go on; one that is silent for an hour or two makes room, and so does,
 * for a measurement that has less than its own share, one of the measurement that has most. It is counted anew with each start
 * of the console.
 */
export class SeriesBudget {
  readonly #options: SeriesBudgetOptions;
  readonly #devices = new Map<DeviceId, Known>();
  readonly #seed: number;

  constructor(options: SeriesBudgetOptions) {
    this.#options = options;
    this.#seed = Math.floor(options.random() * 2 ** 32) | 0;
  }

  get budget(): number {
    return this.#options.budget;
  }

  /** A series' number within its device: the same for the same tags in any order. */
  hashOf({ measurement, tags }: SeriesColumns): number {
    return hashSeries(measurement, tags, this.#seed);
  }

  /** Whether this series of the device may be written; one that may not is counted. @param hash what {@link hashOf} gives */
  admits(series: SeriesColumns, hash: number): boolean {
    const known = this.#known(series.device);
    if (known.young.has(hash)) return true;
    const share = known.old.get(hash);
    if (share) {
      known.old.delete(hash);
      known.young.set(hash, share);
      return true;
    }
    const own = known.shares.get(series.measurement) ?? { series: 0 };
    if (!this.#hasRoom(known, own)) {
      this.#exceeded(known, series, hash);
      return false;
    }
    known.shares.set(series.measurement, own);
    known.fresh += 1;
    known.even = false;
    own.series += 1;
    known.young.set(hash, own);
    return true;
  }

  forget(device: DeviceId): void {
    this.#devices.delete(device);
  }

  #hasRoom(known: Known, own: Share): boolean {
    const { budget } = this.#options;
    if (known.fresh >= budget * newInADay) return false;
    if (known.young.size + known.old.size < budget) return true;
    const fair = Math.max(1, Math.floor(budget * ownShare));
    if (known.even || own.series >= fair) return false;
    known.even = !makeRoom(known, fair);
    return !known.even;
  }

  /** The devices beyond their budget, the worst first. */
  offenders(): readonly OverBudget[] {
    const all = [...this.#devices].flatMap(([device, { young, old, over }]) =>
      over ? [toDocument(device, young.size + old.size, over)] : [],
    );
    return all.toSorted((a, b) => b.series - a.series);
  }

  /** Series in use, by device, most first: who comes near the budget. */
  sizes(): readonly { readonly device: DeviceId; readonly known: number }[] {
    const all = [...this.#devices].map(([device, { young, old }]) => ({ device, known: young.size + old.size }));
    return all.toSorted((a, b) => b.known - a.known);
  }

  #known(device: DeviceId): Known {
    const now = this.#options.clock.monotonic();
    let known = this.#devices.get(device);
    if (!known) this.#devices.set(device, (known = newcomer(now)));
    if (now - known.turned < memory) return known;
    forget(known.old);
    const missedOne = now - known.turned >= 2 * memory;
    if (missedOne) forget(known.young);
    known.old = missedOne ? none : known.young;
    known.young = new Map();
    known.turned = now;
    known.even = false;
    for (const [measurement, { series }] of known.shares) if (series === 0) known.shares.delete(measurement);
    if (now - known.dayBegan >= day) {
      known.dayBegan = now;
      known.fresh = 0;
    }
    if (known.over && this.#options.clock.now() - known.over.last >= day) {
      known.over = undefined;
      this.#options.problem?.(device, null);
    }
    return known;
  }

  #exceeded(known: Known, { device, measurement, tags, times }: SeriesColumns, hash: number): void {
    const now = Math.round(this.#options.clock.now());
    if (!known.over)
      this.#options.problem?.(
        device,
        `it has more than ${this.#options.budget} series, and new ones of ${measurement} are set aside`,
      );
    const over = (known.over ??= { samples: 0, first: now, last: now, series: new Distinct(), tags: new Map() });
    over.samples += times.length;
    over.last = now;
    over.series.add(hash);
    for (const [tag, value] of Object.entries(tags)) {
      const key = `${measurement}\n${tag}`;
      if (!over.tags.has(key) && over.tags.size < maxTagsSeen)
        over.tags.set(key, { measurement, tag, values: new Distinct() });
      over.tags.get(key)?.values.add(hashText(value, this.#seed));
    }
  }
}

function newcomer(now: number): Known {
  return {
    young: new Map(),
    old: none,
    turned: now,
    shares: new Map(),
    even: false,
    fresh: 0,
    dayBegan: now,
    over: undefined,
  };
}

/** Their places are free. */
function forget(series: ReadonlyMap<number, Share>): void {
  for (const share of series.values()) share.series -= 1;
}

/** Lets go of a series of the measurement that has most, one that is gone or came last. @returns whether there was one to let go of */
function makeRoom({ young, old, shares }: Known, fair: number): boolean {
  let largest: Share | undefined;
  for (const share of shares.values()) if (share.series > (largest?.series ?? fair)) largest = share;
  if (!largest) return false;
  for (const known of [old, young]) {
    const hash = [...known].findLast(([, share]) => share === largest)?.[0];
    if (hash === undefined || !known.delete(hash)) continue;
    largest.series -= 1;
    return true;
  }
  return false;
}

function toDocument(device: DeviceId, known: number, { samples, first, last, series, tags }: Over): OverBudget {
  const worst = [...tags.values()].map((one) => ({ ...one, values: one.values.estimate }));
  return {
    device,
    known,
    series: series.estimate,
    samples,
    first,
    last,
    worst: worst.toSorted((a, b) => b.values - a.values).slice(0, told),
  };
}
