import type { AccountChange, Accounts } from "../accounts/accounts.ts";
import type { Login } from "./auth.ts";
import { HttpError } from "./problem.ts";

/** Event streams of one account at once: one for each open page, and every event is written to each. */
export const streamsOfAccount = 20;
/** Event streams at once: each may have a MiB waiting for it. */
export const streamsInAll = 200;

interface Stream {
  readonly login: Login;
  readonly close: () => void;
}

/** The event streams that are open: how many there may be, and that they end with what they were opened with. */
export class EventStreams {
  readonly #accounts: Accounts;
  readonly #open = new Set<Stream>();

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  /** @returns what forgets the stream @throws HttpError 429 where there are too many */
  add(login: Login, close: () => void): () => void {
    const { name } = login.principal;
    const own = [...this.#open].filter((one) => one.login.principal.name === name).length;
    if (own >= streamsOfAccount)
      throw new HttpError(429, `"${name}" has ${own} event streams open, and more are not allowed: close a page`);
    if (this.#open.size >= streamsInAll)
      throw new HttpError(429, `${streamsInAll} event streams are open, and more are not allowed: close a page`);
    const stream = { login, close };
    this.#open.add(stream);
    return () => this.#open.delete(stream);
  }

  /** Ends what was opened with a secret, role, session or account that is no more. */
  changed({ name, what }: AccountChange): void {
    for (const stream of this.#open) {
      if (stream.login.principal.name !== name) continue;
      if (what === "account" || !this.isGood(stream.login)) stream.close();
    }
  }

  /** Whether the session or token of a login is still good; a password is, until its account changes. What cannot be looked up is not. */
  isGood({ token }: Login): boolean {
    try {
      return token === undefined || this.#accounts.tokens.live(token);
    } catch {
      return false;
    }
  }

  closeAll(): void {
    for (const stream of this.#open) stream.close();
  }
}
