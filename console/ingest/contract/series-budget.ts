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

/** Milliseconds after which a series that was not seen is forgotten, at the soonest. */
const memory = 86_400_000;
/** Tags of one device that are looked at, and how many of them are told. */
const mostTags = 32;
const told = 5;

/** Nothing is ever put into what is old: one empty set is enough for ten thousand devices. */
const none = new Set<number>();

interface Known {
  /** Seen since the last turn, and only before it: what is not seen for a whole turn is forgotten. */
  young: Set<number>;
  old: Set<number>;
  turned: number;
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
 * would fill it up. Those that were seen first since the start go on; one that is silent for a day makes room. It is
 * counted anew with each start of the console.
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

  /** Whether this series of the device may be written; one that may not is counted. */
  admits(series: SeriesColumns): boolean {
    const known = this.#known(series.device);
    const hash = hashSeries(series.measurement, series.tags, this.#seed);
    if (known.young.has(hash)) return true;
    if (!known.old.delete(hash) && known.young.size + known.old.size >= this.#options.budget) {
      this.#exceeded(known, series, hash);
      return false;
    }
    known.young.add(hash);
    return true;
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
    if (!known) this.#devices.set(device, (known = { young: new Set(), old: none, turned: now, over: undefined }));
    if (now - known.turned < memory) return known;
    const missedOne = now - known.turned >= 2 * memory;
    known.old = missedOne ? none : known.young;
    known.young = new Set();
    known.turned = now;
    // A device that has kept within its budget for a day is no offender any more.
    if (known.over && this.#options.clock.now() - known.over.last >= memory) known.over = undefined;
    return known;
  }

  #exceeded(known: Known, { measurement, tags, times }: SeriesColumns, hash: number): void {
    const now = Math.round(this.#options.clock.now());
    const over = (known.over ??= { samples: 0, first: now, last: now, series: new Distinct(), tags: new Map() });
    over.samples += times.length;
    over.last = now;
    over.series.add(hash);
    for (const [tag, value] of Object.entries(tags)) {
      const key = `${measurement}\n${tag}`;
      if (!over.tags.has(key) && over.tags.size < mostTags)
        over.tags.set(key, { measurement, tag, values: new Distinct() });
      over.tags.get(key)?.values.add(hashText(value, this.#seed));
    }
  }
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
