import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { BatchLedger, Committed } from "./completeness/batch-ledger.ts";

export interface LedgerCommitsOptions {
  readonly ledger: BatchLedger;
  readonly clock: Clock;
  readonly log: Log;
  /** Called before each commit: what is to be in the same sync. */
  readonly before?: () => void;
  /** The batch is in the store and in the ledger: its outbox may let go of it. */
  readonly acknowledge: (batch: Committed) => void;
  /** Called when {@link LedgerCommits.problem} has come or gone. */
  readonly onProblem?: () => void;
}

/** Milliseconds until a failed write of the ledger is tried again. */
const retryAfter = 1_000;

/**
 * When the ledger is committed, and what follows from that: the batches of one turn of the event loop together, then their acks. What the
 * disk refuses is tried again every second; nothing is acknowledged meanwhile, and nothing new is taken.
 */
export class LedgerCommits {
  readonly #options: LedgerCommitsOptions;
  #problem: string | undefined;
  #scheduled: NodeJS.Immediate | undefined;
  #cancelRetry: (() => void) | undefined;
  #latest: Promise<void> = Promise.resolve();

  constructor(options: LedgerCommitsOptions) {
    this.#options = options;
  }

  /** Why nothing is acknowledged, as a sentence; undefined when all is well. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Commits when this turn of the event loop is over. */
  soon(): void {
    this.#scheduled ??= setImmediate(() => void this.flush());
  }

  /**
   * Commits what is new at once, and acknowledges it when it is on the disk; then it resolves. When that fails there is no ack, and it is
   * tried again.
   */
  flush(): Promise<void> {
    this.#cancel();
    if (this.#options.ledger.hasNews) this.#latest = this.#commit();
    return this.#latest;
  }

  /** Resolves when all that the store has is acknowledged, or cannot be. */
  async stop(): Promise<void> {
    await this.flush();
    this.#cancel();
  }

  async #commit(): Promise<void> {
    const { ledger, acknowledge, before } = this.#options;
    try {
      before?.();
      for (const batch of await ledger.commit()) acknowledge(batch);
      ledger.compact();
      this.#tell(undefined);
    } catch (thrown) {
      this.#failed(asError(thrown));
    }
  }

  #failed(error: Error): void {
    this.#tell(`the console cannot write down which batches it has, and acknowledges none: ${error.message}`);
    this.#cancelRetry ??= this.#options.clock.after(retryAfter, () => {
      this.#cancelRetry = undefined;
      void this.flush();
    });
  }

  #tell(problem: string | undefined): void {
    const { ledger, log, onProblem } = this.#options;
    const changed = (problem === undefined) !== (this.#problem === undefined);
    this.#problem = problem;
    ledger.takesNew = problem === undefined;
    if (!changed) return;
    if (problem === undefined) log.info({}, "the ledger of batches is written again");
    else log.error({}, problem);
    onProblem?.();
  }

  #cancel(): void {
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }
}
