/** How many lines a bucket lets through at once, and how many a second after that. */
interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Lines of one place: nobody reads the hundredth of its kind, and one place shall not use up what the others may write. */
export const ofPlace: Rate = { burst: 100, perSecond: 5 };
/** Lines of one part at one level, whatever they say: a stranger may choose the words, and so how many places there seem to be. */
export const ofPart: Rate = { burst: 500, perSecond: 50 };
/** Places that are told apart; the one that was new first goes. */
export const maxLogPlaces = 256;
/** Milliseconds from the first line that was left out to the one that tells how many they were. */
export const tellEvery = 10_000;

export interface LineBudgetOptions {
  /** Milliseconds since an arbitrary moment; never steps back. */
  readonly now: () => number;
  /** Calls `run` once after `ms` milliseconds. */
  readonly later: (ms: number, run: () => void) => void;
  /** Told what was left out since the last time: which lines, by how they begin, and how many. */
  readonly leftOut: (part: string, place: string, count: number) => void;
}

interface Place {
  readonly part: string;
  readonly bucket: Bucket;
  left: number;
}

/**
 * Bounds a log that others can make Muster write: a device whose every message is refused, a port that is scanned. What is
 * left out is counted by place, and told every ten seconds.
 */
export class LineBudget {
  readonly #options: LineBudgetOptions;
  readonly #places = new Map<string, Place>();
  readonly #parts = new Map<string, Bucket>();
  /** Of places that are not told apart any more. */
  readonly #others = new Map<string, number>();
  #telling = false;

  constructor(options: LineBudgetOptions) {
    this.#options = options;
  }

  /** Whether this line may be written. @param part who writes, and at which level */
  admits(part: string, message: string): boolean {
    const now = this.#options.now();
    const place = this.#place(part, placeOf(message), now);
    if (place.bucket.spend(now) && this.#part(part, now).spend(now)) return true;
    place.left += 1;
    this.#tellSoon();
    return false;
  }

  #place(part: string, name: string, now: number): Place {
    const key = `${part}\n${name}`;
    let place = this.#places.get(key);
    if (place) return place;
    if (this.#places.size >= maxLogPlaces) this.#forgetOldest();
    this.#places.set(key, (place = { part, bucket: new Bucket(ofPlace, now), left: 0 }));
    return place;
  }

  #forgetOldest(): void {
    for (const [key, { part, left }] of this.#places) {
      if (left > 0) this.#others.set(part, (this.#others.get(part) ?? 0) + left);
      return void this.#places.delete(key);
    }
  }

  #part(part: string, now: number): Bucket {
    let bucket = this.#parts.get(part);
    if (!bucket) this.#parts.set(part, (bucket = new Bucket(ofPart, now)));
    return bucket;
  }

  #tellSoon(): void {
    if (this.#telling) return;
    this.#telling = true;
    this.#options.later(tellEvery, () => this.#tell());
  }

  /** The ten places with the most, and all others of a part as one. */
  #tell(): void {
    this.#telling = false;
    const left = [...this.#places].filter(([, place]) => place.left > 0).sort(([, a], [, b]) => b.left - a.left);
    for (const [at, [key, place]] of left.entries()) {
      if (at < 10) this.#options.leftOut(place.part, key.slice(place.part.length + 1), place.left);
      else this.#others.set(place.part, (this.#others.get(place.part) ?? 0) + place.left);
      place.left = 0;
    }
    for (const [part, count] of this.#others) this.#options.leftOut(part, "", count);
    this.#others.clear();
  }
}

class Bucket {
  readonly #rate: Rate;
  #lines: number;
  #at: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#lines = rate.burst;
    this.#at = now;
  }

  spend(now: number): boolean {
    const { burst, perSecond } = this.#rate;
    this.#lines = Math.min(burst, this.#lines + (Math.max(0, now - this.#at) / 1_000) * perSecond);
    this.#at = now;
    if (this.#lines < 1) return false;
    this.#lines -= 1;
    return true;
  }
}

/** How a message begins, without what differs from one of its kind to the next: numbers, and what stands in quotes. */
function placeOf(message: string): string {
  return message
    .slice(0, 120)
    .replaceAll(/"[^"]*"?|\d+/g, "…")
    .slice(0, 60);
}
