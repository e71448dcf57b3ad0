import { systemClock, type Clock } from "#shared/clock";
import { HttpError } from "./problem.ts";

/** An answer that is long to make, in steps: whoever makes it yields after each item. */
export type Steps<T> = Generator<void, T, void>;

/** Milliseconds for which a turn of the event loop goes on with one answer; what its last step takes comes on top. */
export const maxAnswerTurn = 5;
/** Answers of one account, and of all, that are being made or wait for it: a page asks for a handful at once. */
export const maxLongAnswers = { ofOne: 100, ofAll: 400 };

export interface TurnsOptions {
  readonly clock?: Pick<Clock, "monotonic">;
  /** Calls back in the next turn of the event loop. */
  readonly next?: (run: () => void) => void;
}

interface Answer {
  /** @returns whether it is finished */
  readonly step: () => boolean;
  readonly fail: (thrown: unknown) => void;
}

/**
 * Makes long answers a bit at a time. However many are asked for at once, a turn of the event loop has a bit of one of them, and
 * everything else goes on in between. Those of one account are made one after the other, so that one at a time is in memory half
 * made; the accounts take turns, so that who asks for much waits for himself.
 */
export class Turns {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #next: (run: () => void) => void;
  readonly #lines = new Map<string, Set<Answer>>();
  #count = 0;
  #going = false;

  constructor({ clock = systemClock, next = setImmediate }: TurnsOptions = {}) {
    this.#clock = clock;
    this.#next = next;
  }

  /**
   * @param account in whose line the answer waits
   * @param gone ends the work: nobody wants the answer any more
   * @throws HttpError where too many wait, or nobody does; what `steps` throws
   */
  async run<T>(account: string, steps: Steps<T>, gone?: AbortSignal): Promise<T> {
    const line = this.#lines.get(account) ?? new Set<Answer>();
    if (line.size >= maxLongAnswers.ofOne)
      throw new HttpError(429, `${line.size} answers to ${account} are not ready yet: ask again when they are`);
    if (this.#count >= maxLongAnswers.ofAll)
      throw new HttpError(503, `${this.#count} answers are not ready yet: ask again in a while`);
    if (gone?.aborted) throw nobody();
    return new Promise<T>((resolve, reject) => {
      const answer: Answer = {
        step: () => {
          const { done, value } = steps.next();
          if (done) resolve(value);
          return done ?? false;
        },
        fail: reject,
      };
      this.#lines.set(account, line.add(answer));
      this.#count += 1;
      gone?.addEventListener("abort", () => {
        this.#leave(account, answer);
        reject(nobody());
      });
      if (!this.#going) this.#next(this.#turn);
      this.#going = true;
    });
  }

  readonly #turn = (): void => {
    const [first] = this.#lines;
    if (!first) {
      this.#going = false;
      return;
    }
    const [account, line] = first;
    const [answer] = line;
    if (answer && this.#goOn(answer)) this.#leave(account, answer);
    // To the end of the round.
    if (this.#lines.delete(account)) this.#lines.set(account, line);
    this.#next(this.#turn);
  };

  /** @returns whether it has ended, well or not */
  #goOn({ step, fail }: Answer): boolean {
    const began = this.#clock.monotonic();
    try {
      do if (step()) return true;
      while (this.#clock.monotonic() - began < maxAnswerTurn);
      return false;
    } catch (thrown) {
      fail(thrown);
      return true;
    }
  }

  #leave(account: string, answer: Answer): void {
    const line = this.#lines.get(account);
    if (!line?.delete(answer)) return;
    this.#count -= 1;
    if (line.size === 0) this.#lines.delete(account);
  }
}

function nobody(): HttpError {
  return new HttpError(503, "nobody waits for the answer any more");
}
