import type { Database } from "../database/database.ts";

/** Entries of the audit log among which the newest backup is looked for, from its end: some milliseconds. */
export const maxSearched = 50_000;

/** A backup as the audit log tells of it. */
export interface NewestBackup {
  /** Epoch ms. */
  readonly ts: number;
  readonly by: string;
  readonly file: string;
}

/** Finds the newest backup in the audit log; what was looked through is not looked through again. */
export class BackupSearch {
  readonly #database: Database;
  #upTo = 0;
  #found: NewestBackup | null = null;

  constructor(database: Database) {
    this.#database = database;
  }

  read(): NewestBackup | null {
    const end = this.#database.prepare("SELECT max(n) AS n FROM audit").get() as { n: number | null };
    const newest = end.n ?? 0;
    const from = Math.max(this.#upTo, newest - maxSearched);
    if (newest > from) {
      const find = this.#database.prepare(
        "SELECT ts, who, object FROM audit WHERE n > ? AND what = 'data.backed-up' ORDER BY n DESC LIMIT 1",
      );
      const row = find.get(from) as { ts: number; who: string; object: string } | undefined;
      if (row) this.#found = { ts: row.ts, by: row.who, file: row.object };
    }
    this.#upTo = newest;
    return this.#found;
  }
}
