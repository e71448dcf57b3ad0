import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import type { Database } from "./database.ts";
import { syncOf } from "./group-sync.ts";

export interface FileWatchOptions {
  /** The databases in use; undefined for one that is not open at the moment. */
  readonly databases: readonly (() => Database | undefined)[];
  /** What {@link FileWatch.problem} says is another. */
  readonly changed: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds between two looks: four questions to the system, some microseconds each. */
export const fileLookEvery = 1_000;

/**
 * Looks whether the databases are still the files that were opened: one that was removed or replaced takes writes as before, and is gone
 * with the process. Nothing counts as synced in such a one ({@link syncOf}); this tells it where nobody writes, too.
 */
export class FileWatch {
  readonly #options: FileWatchOptions;
  #problem: string | undefined;
  #cancel: (() => void) | undefined;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  /** What is gone; undefined where all is in its place. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** To be called when the databases are open. */
  start(): void {
    const { clock } = this.#options;
    this.#cancel = clock.after(fileLookEvery, () => {
      this.start();
      this.#look();
    });
  }

  stop(): void {
    this.#cancel?.();
  }

  #look(): void {
    const { databases, changed, log } = this.#options;
    const gone = databases.flatMap((of) => {
      const database = of();
      return database?.isOpen ? (syncOf(database).misplaced() ?? []) : [];
    });
    const problem = gone.length > 0 ? gone.join("; ") : undefined;
    if (problem === this.#problem) return;
    this.#problem = problem;
    if (problem === undefined) log.info({}, "the console's database files are in their places again");
    else log.error({}, `${problem}; nothing is acknowledged meanwhile`);
    changed();
  }
}
