import type { Clock } from "#shared/clock";

/** Milliseconds in which requests of an account that change something are counted. */
export const changeWindow = 600_000;
/**
 * Of these, so many may be refused: each is an entry of the audit log or two, of which a flood must not drive everything else out. At 8,640 entries a
 * day one account would take three weeks.
 */
export const maxRefusedChanges = 30;
/** And so many changes of its own logins, tokens and second factor may everybody make, down to a viewer. */
export const maxOwnChanges = 100;

interface Count {
  refused: number;
  own: number;
  beyond: number;
}

/** What was not even looked at. */
export interface BeyondBudget {
  readonly account: string;
  readonly times: number;
}

/**
 * How many entries of the audit log an account can have written by requests that lead to nothing, or that anybody may make. Kept for each account
 * that asks, for one window: as many as there are accounts.
 */
export class ChangeBudget {
  readonly #clock: Clock;
  readonly #tell: (beyond: BeyondBudget) => void;
  readonly #counts = new Map<string, Count>();
  #cancel: (() => void) | undefined;

  /** @param tell called at a window's end for each account that has asked beyond its budget */
  constructor(clock: Clock, tell: (beyond: BeyondBudget) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Whether one more is looked at; counts it where not. @param own whether it is about the account's own logins */
  allows(account: string, own: boolean): boolean {
    const count = this.#counts.get(account);
    if (!count || (count.refused < maxRefusedChanges && !(own && count.own >= maxOwnChanges))) return true;
    count.beyond += 1;
    return false;
  }

  note(account: string, { refused, own }: { readonly refused: boolean; readonly own: boolean }): void {
    this.#cancel ??= this.#clock.after(changeWindow, () => this.stop());
    const count = this.#counts.get(account) ?? { refused: 0, own: 0, beyond: 0 };
    this.#counts.set(account, count);
    if (refused) count.refused += 1;
    else if (own) count.own += 1;
  }

  /** Ends the window. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const beyond = [...this.#counts].filter(([, count]) => count.beyond > 0);
    this.#counts.clear();
    for (const [account, { beyond: times }] of beyond) this.#tell({ account, times });
  }
}
