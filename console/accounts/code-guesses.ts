import type { Clock } from "#shared/clock";
import { formatDuration } from "#shared/duration";
import { LoginsBusyError } from "#shared/login-throttle";
import { Signal } from "#shared/signal";
import { codesForgotten, type KeptGuesses } from "./kept-guesses.ts";

/** Wrong codes of an account that cost no pause: fingers that slip, an authenticator whose clock is wrong. */
export const freeCodes = 10;
/** Milliseconds of the pause after these. Each wrong code behind a pause makes the next one twice as long, */
export const firstCodePause = 60_000;
/**
 * up to this: 39 codes in the first day and 24 in each other, from however many addresses. Each has three chances in a million, as three codes are good
 * at a time: a year of it comes in once in forty.
 */
export const maxCodePause = 3_600_000;
/** What somebody is to hear of: who guesses codes knows the password. */
export interface PausedCodes {
  readonly account: string;
  readonly from: string;
  readonly wrong: number;
  /** Milliseconds until the next code is looked at. */
  readonly pause: number;
}

interface Guesses {
  wrong: number;
  last: number;
}

/** Milliseconds. */
function pauseAfter(wrong: number): number {
  return wrong < freeCodes ? 0 : Math.min(maxCodePause, firstCodePause * 2 ** (wrong - freeCodes));
}

/**
 * How many codes of a second factor are looked at behind a right password: a code has six digits, and a throttle by addresses is none against many
 * addresses. All strangers' places share one count of an account; each place that the account has come in from has its own, so that its owner
 * gets in while others guess. A count for each account and each place that is known of it, and nobody else can have one made; they are kept, because
 * a restart would otherwise be ten more guesses.
 */
export class CodeGuesses {
  readonly paused = new Signal<PausedCodes>();
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #kept: KeptGuesses;
  /** Read when the first code comes. */
  #known: Map<string, Map<string, Guesses>> | undefined;

  constructor(clock: Pick<Clock, "monotonic">, kept: KeptGuesses) {
    this.#clock = clock;
    this.#kept = kept;
  }

  /** @param place a network that the account has come in from; "" for any other one @throws LoginsBusyError while no code from there is looked at */
  assertOpen(account: string, place: string): void {
    const { wrong, last } = this.#of(account, place) ?? { wrong: 0, last: 0 };
    const left = last + pauseAfter(wrong) - this.#clock.monotonic();
    if (left <= 0) return;
    throw new LoginsBusyError(
      `too many wrong codes of this account: the next one${place === "" ? " from a place that it has not come in from before" : ""} is looked at in ${formatDuration(Math.ceil(left / 1_000) * 1_000)}`,
      Math.ceil(left / 1_000),
    );
  }

  /** Counts how it went. A right code from a stranger's place takes nothing from the strangers' count: he who guesses is still there. */
  note(account: string, place: string, right: boolean, from: string): void {
    const places = this.#guesses.get(account) ?? new Map<string, Guesses>();
    if (right) {
      if (place !== "" && places.delete(place)) this.#kept.forget(account, place);
      return;
    }
    const now = this.#clock.monotonic();
    const wrong = (this.#of(account, place)?.wrong ?? 0) + 1;
    const pause = pauseAfter(wrong);
    places.set(place, { wrong, last: now });
    this.#guesses.set(account, places);
    this.#kept.note(account, place, wrong);
    if (pause > 0) this.paused.emit({ account, from, wrong, pause });
  }

  /** Wrong codes that are remembered of an account. */
  wrongOf(account: string): number {
    const places = [...(this.#guesses.get(account)?.keys() ?? [])];
    return places.reduce((sum, place) => sum + (this.#of(account, place)?.wrong ?? 0), 0);
  }

  /** The account has another password, or no second factor: he who guessed has nothing left to guess behind. */
  forget(account: string): void {
    this.#guesses.delete(account);
    this.#kept.forgetAll(account);
  }

  get #guesses(): Map<string, Map<string, Guesses>> {
    if (this.#known) return this.#known;
    const [known, now] = [new Map<string, Map<string, Guesses>>(), this.#clock.monotonic()];
    for (const { account, place, wrong, age } of this.#kept.read())
      known.set(account, (known.get(account) ?? new Map<string, Guesses>()).set(place, { wrong, last: now - age }));
    this.#known = known;
    return known;
  }

  #of(account: string, place: string): Guesses | undefined {
    const known = this.#guesses.get(account)?.get(place);
    if (!known || this.#clock.monotonic() - known.last < codesForgotten) return known;
    this.#guesses.get(account)?.delete(place);
    return undefined;
  }
}
