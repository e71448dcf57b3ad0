/** Milliseconds: the first wait before another try, and the longest after having been turned away. */
export const backOff = { first: 250, max: 30_000 } as const;
/** Milliseconds that a small fleet waits at most for a broker that is not there: so long after it is back, all of them have tried. */
export const minSpread = 1_500;
/**
 * The same for one that has only just gone, which is most often a process that is being started again; and tries until it counts as away for
 * longer, some nine seconds. A link that is paid for by the byte should not be asked three times a second all night.
 */
export const quickSpread = 500;
export const quickTries = 24;
/**
 * Connections that a fleet begins in a second when its broker comes back. The embedded broker lets ten thousand in at this rate, and loses
 * none (`npm run bench -- crowd`); with TLS it has about twice as much in it.
 */
export const comebackRate = 500;

/**
 * Milliseconds at most between two tries at a broker that is not there, for one of so many devices.
 * @param least of however small a fleet
 */
export function spreadOf(fleet: number, least = minSpread): number {
  return Math.min(backOff.max, Math.max(least, (fleet / comebackRate) * 1_000));
}

export interface BackOffOptions {
  /** Milliseconds at most between two tries at a broker that is not there, of however small a fleet `least`; asked for anew each time. */
  readonly spread: (least: number) => number;
  /** 0 ≤ n < 1; so that many do not try in the same moment. */
  readonly random: () => number;
}

/**
 * How long to wait before a broker is tried again.
 *
 * One that is not there costs nothing to ask, and who is far apart from his next try when it is back stays away for as long: such waits
 * are bounded by what the broker can take of a whole fleet in that time. One that has turned us away, or let us in and thrown out, has work
 * with each try, and a next one hardly ends otherwise: those waits grow to half a minute.
 */
export class BackOff {
  readonly #options: BackOffOptions;
  #absences = 0;
  #refusals = 0;

  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  /** Nothing has answered there. @returns milliseconds to wait */
  absent(): number {
    this.#refusals = 0;
    const least = this.#absences < quickTries ? quickSpread : minSpread;
    return this.#wait(this.#absences++, this.#options.spread(least));
  }

  /** A broker was there, and did not let us stay. @returns milliseconds to wait */
  turnedAway(): number {
    this.#absences = 0;
    return this.#wait(this.#refusals++, backOff.max);
  }

  /** A connection has held: the next wait is a first one. */
  held(): void {
    this.#absences = 0;
    this.#refusals = 0;
  }

  #wait(failures: number, max: number): number {
    // 2^16 is far beyond the longest.
    const wait = Math.min(max, backOff.first * 2 ** Math.min(failures, 16));
    return Math.round(wait * (0.5 + this.#options.random() / 2));
  }
}
