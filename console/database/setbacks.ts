import type { Clock } from "#shared/clock";
import type { Database } from "./database.ts";

/** A file of the console's is not what it was: gone, begun anew, or put back to an older copy. */
export interface Setback {
  readonly id: number;
  readonly file: string;
  /** When it was noticed, epoch ms. */
  readonly ts: number;
  /** As it was then it is now; null where nothing of it is left. */
  readonly since: number | null;
  readonly why: string;
}

/** What the console's files have gone back to, until it is reckoned with: in completeness, and with open commands. */
export class Setbacks {
  readonly #database: Database;
  readonly #clock: Pick<Clock, "now">;

  constructor(database: Database, clock: Pick<Clock, "now">) {
    this.#database = database;
    this.#clock = clock;
  }

  /** @throws Error where the disk does not take it */
  note(file: string, since: number | null, why: string): void {
    this.#database
      .prepare("INSERT INTO setbacks (file, ts, since, why) VALUES (?, ?, ?, ?)")
      .run(file, Math.round(this.#clock.now()), since, why);
  }

  /** Those of a file that are not reckoned with yet, oldest first; of rows that make no sense, nothing. */
  of(file: string): readonly Setback[] {
    const rows = this.#database.prepare("SELECT id, file, ts, since, why FROM setbacks WHERE file = ? ORDER BY id");
    try {
      return rows.all(file) as Setback[];
    } catch {
      return [];
    }
  }

  /** @throws Error where the disk does not take it */
  done({ id }: Pick<Setback, "id">): void {
    this.#database.prepare("DELETE FROM setbacks WHERE id = ?").run(id);
  }
}
