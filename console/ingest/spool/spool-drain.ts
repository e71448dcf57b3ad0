import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Seldom } from "#shared/seldom";
import { SetBack, setBackFor } from "./set-back.ts";
import { NoRoomError, type Spool } from "./spool.ts";
import type { SpoolRow } from "./spool-rows.ts";

export interface SpoolDrainOptions {
  readonly spool: Pick<Spool, "oldest">;
  readonly clock: Clock;
  readonly log: Log;
  readonly seldom: Seldom;
  /** 0 ≤ n < 1 */
  readonly random: () => number;
  /** Whether a message is on its way to the store already, straight from memory. */
  readonly isPassing: (id: number) => boolean;
  /** @returns whether the store has taken a decision on them; otherwise they stay in the spool @throws NoRoomError */
  readonly write: (rows: readonly SpoolRow[]) => Promise<boolean>;
  /** Called now and then while messages wait in the spool, and when it is drained. */
  readonly onBacklog?: () => void;
}

/** What the spool hands out at once, and milliseconds between two such: live samples of the fleet go before. */
const portion = { rows: 2_000, bytes: 1024 * 1024 };
const pause = 50;
/** Milliseconds between two tries while the store is away. */
const backoff = { first: 1_000, longest: 15_000 };
/** Milliseconds between two words about what waits. */
const tellEvery = 2_000;

/** Brings what waits in the spool to the store, the oldest first, when the store takes it. */
export class SpoolDrain {
  readonly #options: SpoolDrainOptions;
  readonly #back: SetBack;
  #cancelBack: (() => void) | undefined;
  /** Messages that are written one by one, because one among them is refused alone. */
  #single = 0;
  #draining = false;
  #failures = 0;
  #cancelNext: (() => void) | undefined;
  #started = false;
  #told = Number.NEGATIVE_INFINITY;

  constructor(options: SpoolDrainOptions) {
    this.#options = options;
    this.#back = new SetBack(options.clock);
  }

  /** Goes on with what the last run has left. */
  start(): void {
    this.#started = true;
    this.#drainIn(0);
  }

  stop(): void {
    this.#started = false;
    for (const cancel of [this.#cancelNext, this.#cancelBack]) cancel?.();
    this.#cancelNext = this.#cancelBack = undefined;
  }

  /** To be called when the store takes writes again. */
  storeIsBack(): void {
    this.#failures = 0;
    this.#cancelNext?.();
    this.#cancelNext = undefined;
    this.#drainIn(0);
  }

  /** A message was left to the spool. */
  leave(): void {
    this.tryLater();
    this.#tell();
  }

  /** The store has not taken what it was given, from memory or from here. */
  tryLater(): void {
    this.#drainIn(this.#wait());
  }

  /** The store has taken a decision on these. */
  written(rows: readonly { readonly id: number }[]): void {
    for (const { id } of rows) this.#back.forget(id);
  }

  /**
   * The store refuses one of these, and would take the others. One alone stands in nobody's way; among several it is looked for one by one.
   * @returns true: nothing is wrong with the store
   */
  refusedAlone(rows: readonly { readonly id: number }[]): boolean {
    const [first] = rows;
    if (rows.length > 1 || !first) {
      this.#single = rows.length;
    } else if (first.id > 0) {
      this.#back.add(first.id);
      const why = "the store refuses a spooled message and takes others: it is tried again later";
      this.#options.seldom.say("warn", "", {}, why);
      this.#comeBack();
    }
    return true;
  }

  #tell(): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#told < tellEvery) return;
    this.#told = now;
    this.#options.onBacklog?.();
  }

  /** Drains once more when those that are set back may be tried again. */
  #comeBack(): void {
    this.#cancelBack ??= this.#options.clock.after(setBackFor, () => {
      this.#cancelBack = undefined;
      this.#drainIn(0);
      if (this.#back.any) this.#comeBack();
    });
  }

  #drainIn(ms: number): void {
    if (!this.#started || this.#draining) return;
    this.#cancelNext ??= this.#options.clock.after(ms, () => {
      this.#cancelNext = undefined;
      void this.#drain();
    });
  }

  /** Writes the oldest of the spool; after a failure one row, to ask whether the store is back, and no more. */
  async #drain(): Promise<void> {
    const { spool, isPassing, log } = this.#options;
    const most = this.#failures > 0 || this.#single > 0 ? { ...portion, rows: 1 } : portion;
    this.#single = Math.max(0, this.#single - 1);
    const skip = { has: (id: number) => isPassing(id) || this.#back.has(id) };
    this.#draining = true;
    let rows: readonly SpoolRow[] = [];
    let written = false;
    try {
      rows = spool.oldest(most, skip);
      written = rows.length === 0 || (await this.#write(rows));
    } catch (thrown) {
      log.error({ err: asError(thrown) }, "the spool could not be read; it is tried again");
    } finally {
      this.#draining = false;
    }
    if (written) this.#failures = 0;
    else this.#failures += 1;
    if (rows.length > 0 || !written) {
      this.#drainIn(written ? pause : this.#wait());
      this.#tell();
    } else if (this.#told > Number.NEGATIVE_INFINITY) {
      this.#told = Number.NEGATIVE_INFINITY;
      this.#options.onBacklog?.();
    }
  }

  async #write(rows: readonly SpoolRow[]): Promise<boolean> {
    try {
      return await this.#options.write(rows);
    } catch (thrown) {
      // What is to be held of them cannot be, as on a full disk: they stay where they are until it can.
      if (!(thrown instanceof NoRoomError)) throw thrown;
      return false;
    }
  }

  #wait(): number {
    const longest = Math.min(backoff.longest, backoff.first * 2 ** Math.min(this.#failures, 10));
    return longest * (0.5 + this.#options.random() / 2);
  }
}
