/**
 * Milliseconds that an agent stays away after the console has refused it for another one under its id: each time that it comes, it pushes that
 * one out of the broker for a moment. The first pause, and the longest. It does come again: the other one may be gone for good, and a
 * service manager would have it back within seconds.
 */
export const refusedPause = { first: 300_000, max: 3_600_000 } as const;

/** How long a refused agent stays away: twice as long each time, until it was there for longer than the first pause. */
export class ComebackPause {
  #refusals = 0;

  /** @param livedFor milliseconds that it was there this time @returns milliseconds to stay away */
  refused(livedFor: number): number {
    if (livedFor > refusedPause.first) this.#refusals = 0;
    // 2^16 is far beyond the longest.
    return Math.min(refusedPause.max, refusedPause.first * 2 ** Math.min(this.#refusals++, 16));
  }
}
