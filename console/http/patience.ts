import { HttpError } from "./problem.ts";

/** Calls of one account that wait for a command's end at the same time: each holds a connection, a timer and a command. */
export const mostWaitingCalls = 500;

/** Whoever waits for answers, each account within its share. */
export class Patience {
  readonly #waiting = new Map<string, number>();

  /** Does `work`, which waits. @throws HttpError before it is begun, when the account has as many waiting calls as it may */
  async wait<T>(account: string, work: () => Promise<T>): Promise<T> {
    const before = this.#waiting.get(account) ?? 0;
    if (before >= mostWaitingCalls)
      throw new HttpError(
        429,
        `${account} waits for ${before} commands already: send with wait=false and watch /api/events, or send to many with POST /api/jobs`,
      );
    this.#waiting.set(account, before + 1);
    try {
      return await work();
    } finally {
      const left = (this.#waiting.get(account) ?? 1) - 1;
      if (left > 0) this.#waiting.set(account, left);
      else this.#waiting.delete(account);
    }
  }
}
