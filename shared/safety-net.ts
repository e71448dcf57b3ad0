import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";

/** How many places are counted apart. They are named in the code, not by a client; should one be, it still costs no more memory. */
export const maxFaultPlaces = 64;
/** Milliseconds between two lines of the log about one place, so that who can make a listener throw cannot fill the disk. */
export const quietPlace = 60_000;
/** Characters of an error's text that are kept: it may quote what a client sent. */
export const maxFaultLength = 300;

/** What was caught at one place. Times are milliseconds since 1970-01-01 UTC. */
export interface FaultPlace {
  readonly where: string;
  readonly count: number;
  readonly first: number;
  readonly latest: number;
  /** What the latest error said. */
  readonly error: string;
}

interface Known {
  count: number;
  readonly first: number;
  latest: number;
  error: string;
  /** Monotonic, and how many came since. */
  logged: number;
  unsaid: number;
}

/**
 * The last net under everything that the event loop calls: a socket's listener, a message's, a timer. What throws there would end
 * the process, and a stranger's packet must not be able to. It costs that connection, message or tick instead, is logged and counted. A
 * count above zero is always a fault of ours, never everyday.
 */
export class SafetyNet {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #places = new Map<string, Known>();
  /** How often anything was caught. */
  total = 0;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** What was caught where, the latest first. */
  get places(): readonly FaultPlace[] {
    const places = [...this.#places].map(([where, { count, first, latest, error }]) => ({
      where,
      count,
      first,
      latest,
      error,
    }));
    return places.sort((a, b) => b.latest - a.latest);
  }

  /**
   * The same listener, from which nothing escapes: neither what it throws nor, where it is async, what it rejects with.
   * @param where the place's name in the log: fixed in the code
   * @param cost is called with the same arguments after it threw, to close what it was about
   */
  guard<A extends unknown[]>(
    where: string,
    run: (...parameters: A) => unknown,
    cost?: (...parameters: A) => unknown,
  ): (...parameters: A) => void {
    return (...parameters) => {
      try {
        const outcome = run(...parameters);
        if (outcome instanceof Promise)
          outcome.catch((thrown: unknown) => this.#failed(where, thrown, cost, parameters));
      } catch (thrown) {
        this.#failed(where, thrown, cost, parameters);
      }
    };
  }

  // No closure of each guard's own: a connection has several of them.
  #failed<A extends unknown[]>(
    where: string,
    thrown: unknown,
    cost: ((...parameters: A) => unknown) | undefined,
    parameters: A,
  ): void {
    this.caught(where, thrown);
    try {
      cost?.(...parameters);
    } catch (second) {
      this.caught(where, second);
    }
  }

  /** Counts and logs what was thrown at a place. Never throws, whatever is thrown and whatever the log does. */
  caught(where: string, thrown: unknown): void {
    this.total += 1;
    try {
      this.#note(where, textual(thrown));
    } catch {
      // A log that cannot be written (a full disk behind standard error) must not become the next thing that escapes.
    }
  }

  #note(where: string, error: Error): void {
    const place = this.#placeOf(where);
    place.count += 1;
    place.latest = Math.round(this.#clock.now());
    place.error = error.message.slice(0, maxFaultLength);
    const now = this.#clock.monotonic();
    if (now - place.logged < quietPlace) {
      place.unsaid += 1;
      return;
    }
    const more = place.unsaid > 0 ? `; ${place.unsaid} more since it was last told` : "";
    place.logged = now;
    place.unsaid = 0;
    this.#log.error(
      { where, count: place.count, err: error },
      `caught in ${where}: this is a fault of Muster's${more}`,
    );
  }

  #placeOf(where: string): Known {
    const name = this.#places.has(where) || this.#places.size < maxFaultPlaces - 1 ? where : "elsewhere";
    let place = this.#places.get(name);
    if (!place) {
      const now = Math.round(this.#clock.now());
      place = { count: 0, first: now, latest: now, error: "", logged: -Infinity, unsaid: 0 };
      this.#places.set(name, place);
    }
    return place;
  }
}

/** The same clock, whose timers cannot throw into the event loop: what they throw costs that tick. */
export function guardedClock(clock: Clock, net: SafetyNet): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    uptime: () => clock.uptime(),
    after: (ms, run) => clock.after(ms, net.guard("a timer", run)),
  };
}

/** Whatever was thrown, as an error that can be read: `String` of some objects throws by itself. */
function textual(thrown: unknown): Error {
  try {
    const error = asError(thrown);
    return typeof error.message === "string" ? error : new Error("an error without words");
  } catch {
    return new Error("something was thrown that cannot be written");
  }
}
