import { asError } from "#shared/errors";

export interface GroupCommitOptions<T> {
  /** Puts a group on the disk. @throws the system's error when it did not get there */
  readonly write: (group: readonly T[]) => Promise<void>;
  readonly landed: (group: readonly T[]) => void;
  /** @param meanwhile takes what has come during the write, for those whose order lets none of it go on either */
  readonly failed: (group: readonly T[], why: Error, meanwhile: () => readonly T[]) => void;
}

/** One write at a time: what comes while one is being synced shares the next. */
export class GroupCommit<T> {
  readonly #options: GroupCommitOptions<T>;
  #pending: T[] = [];
  #flushing: Promise<void> | undefined;

  constructor(options: GroupCommitOptions<T>) {
    this.#options = options;
  }

  push(item: T): void {
    this.#pending.push(item);
    this.#flushing ??= this.#flush();
  }

  /** Resolves when everything has landed or failed. */
  async idle(): Promise<void> {
    await this.#flushing;
  }

  async #flush(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const group = this.#drain();
        const error = await this.#options.write(group).then(() => undefined, asError);
        if (error) this.#options.failed(group, error, () => this.#drain());
        else this.#options.landed(group);
      }
    } finally {
      // In the same turn as the loop's end: who pushes a moment later must not rely on a loop that has ended.
      this.#flushing = undefined;
    }
  }

  #drain(): T[] {
    const pending = this.#pending;
    this.#pending = [];
    return pending;
  }
}
