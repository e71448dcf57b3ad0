import type { Clock } from "#shared/clock";

export interface Queued {
  readonly id: string;
  /** When the command was made, epoch ms at the console. */
  readonly created: number;
}

export interface QueueOptions<J extends Queued> {
  readonly clock: Clock;
  /** Whether the execution can be begun now; one that cannot yet does not hold up those behind it. */
  readonly isReady: (execution: J) => boolean;
  readonly run: (execution: J) => Promise<void>;
}

/** Milliseconds: no task came for so long, so those that were retained are all here; and the longest wait for the console. */
const quiet = 50;
const longest = 5_000;

/**
 * Serial commands, one after the other in the order of their creation.
 *
 * gathering ── the console has greeted, and 50 ms of quiet; or 5 s ──► draining ── connected again ──► gathering
 *
 * After a connect the broker hands over the retained tasks in an order of its own; so they are gathered before the first one
 * begins. The console's greeting follows them on most brokers: MQTT orders within a topic only. The 5 s are for what is published while the
 * console is away; what was found at the broker is not ready before its word.
 */
export class CommandQueue<J extends Queued> {
  readonly #options: QueueOptions<J>;
  readonly #executions: J[] = [];
  #gathering = true;
  #greeted = false;
  #running = false;
  #cancelQuiet: (() => void) | undefined;
  #cancelLongest: (() => void) | undefined;

  constructor(options: QueueOptions<J>) {
    this.#options = options;
  }

  /** A connection has come up: retained tasks are about to arrive. */
  gather(): void {
    this.#gathering = true;
    this.#greeted = false;
    this.#cancelLongest?.();
    this.#cancelLongest = this.#options.clock.after(longest, () => this.#drain());
  }

  /** The console has said something to this run of the agent. */
  greeted(): void {
    this.#greeted = true;
    if (this.#gathering) this.#restartQuiet();
    // What waited for the console's clock may be ready now.
    else void this.#next();
  }

  add(execution: J): void {
    const before = this.#executions.findLastIndex((one) => precedes(one, execution));
    this.#executions.splice(before + 1, 0, execution);
    if (this.#gathering) this.#restartQuiet();
    else void this.#next();
  }

  /** An execution may have become ready. */
  changed(): void {
    if (!this.#gathering) void this.#next();
  }

  /** Takes an execution out that has not begun. */
  remove(id: string): void {
    const at = this.#executions.findIndex((execution) => execution.id === id);
    if (at >= 0) this.#executions.splice(at, 1);
  }

  stop(): void {
    this.#cancelQuiet?.();
    this.#cancelLongest?.();
    this.#executions.length = 0;
    this.#gathering = true;
  }

  #restartQuiet(): void {
    if (!this.#greeted) return;
    this.#cancelQuiet?.();
    this.#cancelQuiet = this.#options.clock.after(quiet, () => this.#drain());
  }

  #drain(): void {
    this.#cancelQuiet?.();
    this.#cancelLongest?.();
    this.#gathering = false;
    void this.#next();
  }

  async #next(): Promise<void> {
    if (this.#running || this.#gathering) return;
    const at = this.#executions.findIndex((execution) => this.#options.isReady(execution));
    const [execution] = at < 0 ? [] : this.#executions.splice(at, 1);
    if (!execution) return;
    this.#running = true;
    try {
      await this.#options.run(execution);
    } finally {
      // Also after a fault of ours: the next execution must not wait for ever.
      this.#running = false;
      void this.#next();
    }
  }
}

function precedes(a: Queued, b: Queued): boolean {
  return a.created < b.created || (a.created === b.created && a.id <= b.id);
}
