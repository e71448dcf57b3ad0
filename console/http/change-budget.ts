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
/**
 * Changes that nobody takes out of the log later, of whoever is no administrator: so many at once, which labels or rotates all of a fleet, and so many
 * in a day. With two entries each, and those of the other bounds, a day of them is fewer than the log keeps (200,000 and 50,000 behind them).
 */
export const maxLastingChanges = { atOnce: 10_000, inADay: 90_000 } as const;

const day = 86_400_000;

interface Count {
  refused: number;
  own: number;
  beyond: number;
}

/** What a change is, for its entry. */
export interface ChangeKind {
  /** Whether it is about the account's own logins. */
  readonly own: boolean;
  /** Whether its entry stays when the log is thinned, and it is not an administrator's. */
  readonly lasting: boolean;
}

/** What was not even looked at. */
export interface BeyondBudget {
  readonly account: string;
  readonly times: number;
}

/**
 * How many entries of the audit log an account can have written by requests that lead to nothing, that anybody may make, or that operators may
 * make. Kept for each account that asks: as many as there are accounts.
 */
export class ChangeBudget {
  readonly #clock: Clock;
  readonly #tell: (beyond: BeyondBudget) => void;
  readonly #counts = new Map<string, Count>();
  /** By account: what it may still do, and when that was so. */
  readonly #lasting = new Map<string, { readonly left: number; readonly at: number }>();
  #cancel: (() => void) | undefined;

  /** @param tell called at a window's end for each account that has asked beyond its budget */
  constructor(clock: Clock, tell: (beyond: BeyondBudget) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Whether one more is looked at; counts it where not. */
  allows(account: string, { own, lasting }: ChangeKind): boolean {
    const count = this.#counts.get(account);
    const isFew = !count || (count.refused < maxRefusedChanges && !(own && count.own >= maxOwnChanges));
    if (isFew && !(lasting && this.#left(account) < 1)) return true;
    this.#countOf(account).beyond += 1;
    return false;
  }

  note(account: string, { refused, own, lasting }: ChangeKind & { readonly refused: boolean }): void {
    const count = this.#countOf(account);
    if (refused) count.refused += 1;
    else if (own) count.own += 1;
    // Of many that were under way together it may fall below nothing, which takes as much longer to come back.
    if (lasting && !refused) this.#lasting.set(account, { left: this.#left(account) - 1, at: this.#clock.monotonic() });
  }

  #countOf(account: string): Count {
    this.#cancel ??= this.#clock.after(changeWindow, () => this.stop());
    const count = this.#counts.get(account) ?? { refused: 0, own: 0, beyond: 0 };
    this.#counts.set(account, count);
    return count;
  }

  /** How many lasting changes an account may still make. */
  #left(account: string): number {
    const known = this.#lasting.get(account);
    if (!known) return maxLastingChanges.atOnce;
    const more = ((this.#clock.monotonic() - known.at) * maxLastingChanges.inADay) / day;
    return Math.min(maxLastingChanges.atOnce, known.left + more);
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
