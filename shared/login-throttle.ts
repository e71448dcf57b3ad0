import type { Clock } from "#shared/clock";
import { networkOf } from "#shared/crowd";

/** Where a login comes from. */
export interface LoginSource {
  readonly address: string;
  /** Whether nobody waits for the answer any more: then nothing is computed for it. */
  readonly gone?: () => boolean;
  /** Whether this name has come in from there before. */
  readonly known?: boolean;
}

/** Nobody has looked at the secret: there was no turn for it. The same login may be tried again. */
export class LoginsBusyError extends Error {
  override readonly name = "LoginsBusyError" as const;
  constructor(
    message: string,
    /** Seconds after which it is worth another try. */
    readonly retryAfter = 1,
  ) {
    super(message);
  }
}

/**
 * Password hashes computed at once. One takes a core for 50 to 500 ms, and runs in one of the four threads that files and
 * names of hosts need as well.
 */
export const hashesAtOnce = 1;
/** Logins that wait for their turn. Each is a connection that somebody holds open: some kB. */
export const loginsWaiting = 256;
/** Milliseconds that a login waits for its turn: less than programs and people wait for an answer. */
export const maxLoginWait = 10_000;
/** Wrong secrets of one name from one address within a minute that cost nothing: a program with an old secret, a person who thinks. */
export const freeFailures = 10;
/** Wrong secrets from one address within a minute, whatever the names, that cost nothing: there may be a whole office behind it. */
export const freeFailuresOfAddress = 30;
/** Milliseconds between two turns of a name from an address after that: 86,400 guesses a day, and nobody waits longer for a right one. */
export const pauseOfName = 1_000;
/** Milliseconds between two turns of an address after that. */
export const pauseOfAddress = 250;
/** Addresses and names whose failures are remembered; beyond it the oldest are forgotten. */
export const failuresRemembered = 10_000;

const minute = 60_000;

interface Count {
  since: number;
  failures: number;
  /** When it had a turn last. */
  turn: number;
}

interface Waiting {
  readonly address: string;
  readonly pair: string;
  readonly since: number;
  readonly source: LoginSource;
  readonly begin: () => void;
  readonly refuse: (error: LoginsBusyError) => void;
}

/**
 * The one queue of costly password checks, for all doors. Whoever guesses is slowed down and pushed back, by address and by name
 * from that address; nobody is refused for the tries of others. Whose turn it is: first who has come in from there before and has not
 * failed often now, whatever others do at that address. Then, among those who need not pause, the address with the fewest
 * failures, and there the newest and the oldest in turn. The newest, because a burst fills a queue from its front: who comes after it
 * would wait for all of it, and nobody waits for the burst's own answers. The oldest, because a stream of guesses always brings one that
 * is newer.
 */
export class LoginThrottle {
  readonly #clock: Clock;
  readonly #counts = new Map<string, Count>();
  #waiting: Waiting[] = [];
  #running = 0;
  /** Whether the next turn among equals is the oldest one's. */
  #oldestNext = false;
  #cancelTimer: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Logins that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Calls `check` when it is its turn. @throws LoginsBusyError when there is none within {@link maxLoginWait}, or too many wait */
  async inTurn<T>(source: LoginSource, name: string, check: () => Promise<T>): Promise<T> {
    await new Promise<void>((begin, refuse) => {
      const address = networkOf(source.address);
      const since = this.#clock.monotonic();
      this.#waiting.push({ address, pair: pairOf(address, name), since, source, begin, refuse });
      if (this.#waiting.length > loginsWaiting) this.#dropOne();
      this.#next();
    });
    try {
      return await check();
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }

  /** Counts a wrong secret of any kind, costly to check or not. */
  failed(source: LoginSource, name: string): void {
    const address = networkOf(source.address);
    for (const key of [address, pairOf(address, name)]) this.#count(key).failures += 1;
  }

  /** A right secret: its name from this address begins anew. The address does not, where others may be guessing. */
  succeeded(source: LoginSource, name: string): void {
    this.#counts.delete(pairOf(networkOf(source.address), name));
  }

  #next(): void {
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    const now = this.#clock.monotonic();
    this.#sweep(now);
    while (this.#running < hashesAtOnce) {
      const chosen = this.#choose(now);
      if (!chosen) break;
      this.#waiting = this.#waiting.filter((one) => one !== chosen);
      this.#running += 1;
      this.#oldestNext = !this.#oldestNext;
      for (const key of [chosen.address, chosen.pair]) this.#count(key).turn = now;
      chosen.begin();
    }
    if (this.#waiting.length > 0) this.#cancelTimer = this.#clock.after(this.#untilNext(now), () => this.#next());
  }

  /** Lets those go who have left, or have waited too long. */
  #sweep(now: number): void {
    const stay = this.#waiting.filter(({ since, source }) => now - since < maxLoginWait && !source.gone?.());
    const leave = this.#waiting.length === stay.length ? [] : this.#waiting.filter((one) => !stay.includes(one));
    this.#waiting = stay;
    for (const one of leave) one.refuse(busy());
  }

  #choose(now: number): Waiting | undefined {
    let best: Waiting | undefined;
    for (const one of this.#waiting) {
      if (this.#readyAt(one) > now) continue;
      const ahead = best ? this.#before(one, best) : -1;
      if (ahead < 0 || (ahead === 0 && !this.#oldestNext)) best = one;
    }
    return best;
  }

  /** Less than 0 where `one` has its turn before `other`, whoever came first. */
  #before(one: Waiting, other: Waiting): number {
    const trust = Number(this.#isTrusted(other)) - Number(this.#isTrusted(one));
    return trust || this.#failures(one.address) - this.#failures(other.address);
  }

  #isTrusted({ pair, source }: Waiting): boolean {
    return source.known === true && this.#failures(pair) <= freeFailures;
  }

  #readyAt(waiting: Waiting): number {
    if (this.#isTrusted(waiting)) return 0;
    const { address, pair } = waiting;
    const ofName = this.#failures(pair) > freeFailures ? (this.#counts.get(pair)?.turn ?? 0) + pauseOfName : 0;
    const ofAddress =
      this.#failures(address) > freeFailuresOfAddress ? (this.#counts.get(address)?.turn ?? 0) + pauseOfAddress : 0;
    return Math.max(ofName, ofAddress);
  }

  /** Until somebody's pause is over, or has waited too long. While a check runs, its end comes first. */
  #untilNext(now: number): number {
    const oldest = Math.min(...this.#waiting.map(({ since }) => since + maxLoginWait));
    if (this.#running >= hashesAtOnce) return oldest - now;
    return Math.min(oldest, ...this.#waiting.map((one) => this.#readyAt(one))) - now;
  }

  /** Of the address with the most that wait, of its name with the most: the oldest, which is the last to have a turn. */
  #dropOne(): void {
    const fromAddress = mostFrequent(this.#waiting, ({ address }) => address);
    const ofPair = mostFrequent(fromAddress, ({ pair }) => pair);
    const [dropped] = ofPair;
    if (!dropped) return;
    this.#waiting = this.#waiting.filter((one) => one !== dropped);
    dropped.refuse(busy());
  }

  #failures(key: string): number {
    const known = this.#counts.get(key);
    return known && this.#clock.monotonic() - known.since < minute ? known.failures : 0;
  }

  #count(key: string): Count {
    const now = this.#clock.monotonic();
    const known = this.#counts.get(key);
    const count =
      known && now - known.since < minute ? known : { since: now, failures: 0, turn: known?.turn ?? -Infinity };
    // At the end of the map, also where it is known: else a guesser could have its address forgotten by trying many names.
    this.#counts.delete(key);
    this.#counts.set(key, count);
    const oldest = this.#counts.size > failuresRemembered ? this.#counts.keys().next().value : undefined;
    if (oldest !== undefined) this.#counts.delete(oldest);
    return count;
  }
}

function mostFrequent(all: readonly Waiting[], keyOf: (one: Waiting) => string): Waiting[] {
  const byKey = new Map<string, Waiting[]>();
  for (const one of all) {
    const group = byKey.get(keyOf(one));
    if (group) group.push(one);
    else byKey.set(keyOf(one), [one]);
  }
  return [...byKey.values()].reduce<Waiting[]>((most, group) => (group.length > most.length ? group : most), []);
}

/** No account has a longer name, and a stranger may send kilobytes. */
const maxLoggedName = 64;

function pairOf(address: string, name: string): string {
  return `${address} ${name.slice(0, maxLoggedName)}`;
}

function busy(): LoginsBusyError {
  return new LoginsBusyError("too many logins at once: nobody has looked at this one; try again in a moment");
}
