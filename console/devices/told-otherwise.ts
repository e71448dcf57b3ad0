import type { SeriesColumns } from "../store/store.ts";

/** A series, as far as it matters to what it has become. Times are epoch ms. */
export interface ToldSeries {
  readonly measurement: string;
  readonly tags: SeriesColumns["tags"];
  /** When it was told last. */
  ts: number;
  /** When it was there first. */
  first: number;
  /** One that was there before with some tags more, or less: its device may have been given others. */
  readonly before: ToldSeries | undefined;
}

/** Milliseconds by which a series is behind another one until that is taken for what it has become. */
export const silentSince = 600_000;

/**
 * The series of a device that ended when it was given other tags: the same is told under these since. One that is silent for another reason (a disk that was
 * taken out, an event that is seldom) stays.
 * @param retagged those that came after one with some tags more, or less
 */
export function toldOtherwise(
  all: ReadonlyMap<string, ToldSeries>,
  retagged: readonly ToldSeries[],
): ReadonlySet<ToldSeries> {
  const silent = silentAmong(all);
  if (silent.size === 0) return silent;
  const over = new Set<ToldSeries>();
  for (const one of retagged) {
    const { before, first, ts } = one;
    if (before && before.ts < first && before.ts < ts - silentSince) over.add(before);
    else if (before && ts < before.ts - silentSince) over.add(one);
  }
  const speaking = [...all.values()].filter((one) => !silent.has(one));
  const own = ownTags(speaking);
  if (own.size === 0) return over;
  const present = new Set(speaking.map((one) => withoutOwn(one, own)));
  for (const one of silent) if (hasOther(one, own) && present.has(withoutOwn(one, own))) over.add(one);
  return over;
}

/** Whether one has all tags of the other and some besides. */
export function hasMoreTags(one: SeriesColumns["tags"], other: SeriesColumns["tags"]): boolean {
  const names = Object.keys(other);
  return Object.keys(one).length > names.length && names.every((name) => one[name] === other[name]);
}

const none: ReadonlySet<ToldSeries> = new Set();

/** Those that are behind the newest; a list of thousands of devices asks this of each. */
function silentAmong(all: ReadonlyMap<string, ToldSeries>): ReadonlySet<ToldSeries> {
  let [newest, oldest] = [-Infinity, Infinity];
  for (const { ts } of all.values()) {
    if (ts > newest) newest = ts;
    if (ts < oldest) oldest = ts;
  }
  const since = newest - silentSince;
  return oldest >= since ? none : new Set([...all.values()].filter(({ ts }) => ts < since));
}

/**
 * Tags that say something of the device and not of one of its parts: all that it tells has them, with one value, whatever is measured. With a single measurement nobody
 * knows: its tags may be kinds of events.
 */
function ownTags(speaking: readonly ToldSeries[]): ReadonlyMap<string, string> {
  const [first] = speaking;
  const own = new Map<string, string>();
  if (!first || speaking.every(({ measurement }) => measurement === first.measurement)) return own;
  for (const [name, value] of Object.entries(first.tags))
    if (speaking.every(({ tags }) => tags[name] === value)) own.set(name, value);
  return own;
}

function hasOther({ tags }: ToldSeries, own: ReadonlyMap<string, string>): boolean {
  let isOther = false;
  for (const [name, value] of own) {
    if (tags[name] === undefined) return false;
    isOther ||= tags[name] !== value;
  }
  return isOther;
}

/** What a series is beside its device's own tags. */
function withoutOwn({ measurement, tags }: ToldSeries, own: ReadonlyMap<string, string>): string {
  return JSON.stringify([
    measurement,
    Object.entries(tags)
      .filter(([name]) => !own.has(name))
      .sort(),
  ]);
}
