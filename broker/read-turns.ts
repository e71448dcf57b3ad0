/**
 * Milliseconds for which what connections have sent is parsed and handled in one turn of the event loop, all of them together: of thousands
 * that have sent something each one is quick, and all of them are seconds.
 */
export const maxSharedRead = 10;

interface Reader {
  readonly read: () => void;
  /** Since when it waits. */
  readonly at: number;
}

/** Shares out the time of each turn among connections: who comes when it is over waits, and goes first in the next one. */
export class ReadTurns {
  readonly #now: () => number;
  #waiting: Reader[] = [];
  #began: number | undefined;
  #isScheduled = false;

  /** @param now the monotonic clock, in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Milliseconds for which the one that waits longest has waited. */
  get behind(): number {
    const [first] = this.#waiting;
    return first ? this.#now() - first.at : 0;
  }

  /** Whether there is time left in this turn of the event loop. */
  hasTime(): boolean {
    const now = this.#now();
    this.#began ??= now;
    this.#soon();
    return now - this.#began < maxSharedRead;
  }

  /** Calls `read` in one of the next turns; those who wait go in their order. It asks {@link hasTime} again. */
  later(read: () => void): void {
    this.#waiting.push({ read, at: this.#now() });
    this.#soon();
  }

  #soon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    this.#began = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    let at = 0;
    while (at < waiting.length && this.hasTime()) waiting[at++]?.read();
    this.#waiting = [...waiting.slice(at), ...this.#waiting];
  }
}
