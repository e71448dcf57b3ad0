import { counted } from "#shared/counted";
import { HttpError } from "./problem.ts";

/** Calls of one account that wait for a command's end at the same time: each holds a connection, a timer and a command. */
export const maxWaitingCalls = 500;

/** Whoever waits for answers, each account within its share, and no longer than it is what it was when they came. */
export class Patience {
  readonly #waiting = new Map<string, Set<(why: HttpError) => void>>();

  /**
   * Does `work`, which waits.
   * @throws HttpError before it is begun, when the account has as many waiting calls as it may; meanwhile, when it changes
   */
  async wait<T>(account: string, work: () => Promise<T>): Promise<T> {
    const own = this.#waiting.get(account) ?? new Set();
    if (own.size >= maxWaitingCalls)
      throw new HttpError(
        429,
        `${account} waits for ${counted(own.size, "command")} already: send with wait=false and watch /api/events, or send to many with POST /api/jobs`,
      );
    let end: (why: HttpError) => void = () => {};
    const ended = new Promise<never>((_, reject) => (end = reject));
    this.#waiting.set(account, own.add(end));
    try {
      return await Promise.race([work(), ended]);
    } finally {
      own.delete(end);
      if (own.size === 0) this.#waiting.delete(account);
    }
  }

  /** The account is gone, or has another secret or role: nobody is answered any more on the strength of what it was. */
  end(account: string): void {
    const why = new HttpError(
      401,
      `the account ${account} has changed meanwhile, or is gone; the command goes on without its caller`,
    );
    for (const end of this.#waiting.get(account) ?? []) end(why);
  }
}
