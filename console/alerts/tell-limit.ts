/** Alerts of one device that are told each for itself, in a minute: what is more is told as one, with a count. As many as a person reads. */
export const maxToldOfDevice = 10;
/** Milliseconds in which they are counted, and within which nothing is told twice as one. */
export const toldWithin = 60_000;

/** How much is told: a device makes series as it likes, and each may cross a threshold with every batch. Moments are monotonic. */
export class TellLimit {
  /** When alerts of a device were told: the newest. */
  readonly #told = new Map<string, number[]>();
  readonly #folded = new Map<string, number>();

  /** Whether one more alert of a device would be told by itself. */
  hasRoom(device: string, now: number): boolean {
    return (this.#told.get(device) ?? []).filter((ts) => now - ts < toldWithin).length < maxToldOfDevice;
  }

  /** Takes a place for one alert. @returns what gives it back; undefined where there is none. Of the console itself there always is */
  take(device: string, now: number): (() => void) | undefined {
    if (device === "") return () => {};
    const before = (this.#told.get(device) ?? []).filter((ts) => now - ts < toldWithin);
    if (before.length >= maxToldOfDevice) return undefined;
    this.#told.set(device, [...before, now]);
    return () => void this.#told.set(device, before);
  }

  /** Whether something may be told as one again. @param what a rule, or a device and its channels */
  mayFold(what: string, now: number): boolean {
    return now - (this.#folded.get(what) ?? -Infinity) >= toldWithin;
  }

  /** @returns what takes it back */
  fold(what: string, now: number): () => void {
    const before = this.#folded.get(what);
    this.#folded.set(what, now);
    return () => void (before === undefined ? this.#folded.delete(what) : this.#folded.set(what, before));
  }

  forget(device: string): void {
    this.#told.delete(device);
    for (const what of this.#folded.keys()) if (what.startsWith(`${device}\n`)) this.#folded.delete(what);
  }
}
