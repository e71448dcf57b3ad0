import type { Clock } from "#shared/clock";
import { networkOf } from "#shared/crowd";
import type { Log } from "#shared/log";

/** Lines about one network in a minute; further ones are counted and told together. */
export const linesOfOne = 5;
/** Networks told apart; what comes from further ones is told as from elsewhere. */
export const maxNetworks = 1_000;
const minute = 60_000;

interface Told {
  since: number;
  lines: number;
  unsaid: number;
}

/**
 * The log of what strangers do: who connects and is turned away thousands of times a second writes a few lines a minute, the last
 * of which says how many more there were. Nothing here waits: `flush` is called on the broker's beat.
 */
export class Digest {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #told = new Map<string, Told>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param address whose doing it is; its network is what is counted */
  tell(level: "info" | "warn", address: string, fields: object, message: string): void {
    const told = this.#of(networkOf(address));
    if (told.lines >= linesOfOne) {
      told.unsaid += 1;
      return;
    }
    told.lines += 1;
    this.#log[level]({ ...fields, address }, message);
  }

  /** Tells what was left out in minutes that are over, and forgets them. */
  flush(): void {
    const now = this.#clock.monotonic();
    for (const [network, told] of this.#told) {
      if (now - told.since < minute) continue;
      this.#told.delete(network);
      this.#rest(network, told);
    }
  }

  /** Tells all that was left out. */
  stop(): void {
    for (const [network, told] of this.#told) this.#rest(network, told);
    this.#told.clear();
  }

  #of(network: string): Told {
    const known = this.#told.get(network);
    if (known) return known;
    const name = this.#told.size < maxNetworks - 1 ? network : "elsewhere";
    const told = this.#told.get(name) ?? { since: this.#clock.monotonic(), lines: 0, unsaid: 0 };
    this.#told.set(name, told);
    return told;
  }

  #rest(network: string, { unsaid }: Told): void {
    if (unsaid > 0)
      this.#log.info({ address: network, count: unsaid }, `and ${unsaid} more from ${network} in the last minute`);
  }
}
