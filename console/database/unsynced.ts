import type { Database } from "./database.ts";
import { syncOf } from "./group-sync.ts";

/**
 * What a part has committed now and then, in a database that others write to all the time: whether it is on the disk by now costs nothing to
 * ask, and waits for nobody else's rows.
 */
export class Unsynced {
  #commits = 0;
  #durable = 0;

  /** Something was committed. */
  add(): void {
    this.#commits += 1;
  }

  /** Resolves once what was committed is on the disk; undefined where it is already. @throws EnvironmentError when the disk refuses */
  synced(database: Database): Promise<void> | undefined {
    if (this.#durable === this.#commits) return undefined;
    const commits = this.#commits;
    return syncOf(database)
      .synced()
      .then(() => void (this.#durable = Math.max(this.#durable, commits)));
  }
}
