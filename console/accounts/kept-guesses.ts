import * as z from "zod/mini";
import type { Clock } from "#shared/clock";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { persistOf } from "../database/persist.ts";
import { parserOf } from "../database/row-fields.ts";
import { maxPlaces } from "./login-places.ts";

/** Milliseconds after the last wrong code when they are forgotten. */
export const codesForgotten = 86_400_000;
/** Counts kept of one account: of each place that is known of it, and of all others together. Where places come and go, the oldest counts do. */
export const maxCounts = maxPlaces + 1;

export const parseGuesses = parserOf(
  z.object({ account: z.string(), place: z.string(), wrong: z.number().check(z.gte(1)), last: z.number() }),
);

/** Wrong codes of second factors, as they outlast a restart. */
export class KeptGuesses {
  readonly #database: Database;
  readonly #clock: Pick<Clock, "now">;

  constructor(database: Database, clock: Pick<Clock, "now">) {
    this.#database = database;
    this.#clock = clock;
  }

  /** What is not too old, each with the milliseconds since. A moment that lies ahead, because the clock was set back since, was this one. */
  read(): readonly {
    readonly account: string;
    readonly place: string;
    readonly wrong: number;
    readonly age: number;
  }[] {
    const now = this.#clock.now();
    const select = this.#database.prepare("SELECT account, place, wrong, last FROM code_guesses WHERE last > ?");
    const rows = damageOf(this.#database).all("code_guesses", select, parseGuesses, now - codesForgotten);
    return rows.map(({ last, ...row }) => ({ ...row, age: Math.max(0, now - last) }));
  }

  /** While the disk takes nothing the count in memory holds. */
  note(account: string, place: string, wrong: number): void {
    const now = Math.round(this.#clock.now());
    this.#write(`wrong codes of ${account} from ${place}`, () => {
      this.#database
        .prepare(
          `INSERT OR REPLACE INTO code_guesses (account, place, wrong, last)
           SELECT name, ?2, ?3, ?4 FROM accounts WHERE name = ?1`,
        )
        .run(account, place, wrong, now);
      this.#database
        .prepare(
          `DELETE FROM code_guesses WHERE account = ?1 AND place NOT IN
           (SELECT place FROM code_guesses WHERE account = ?1 ORDER BY place = '' DESC, last DESC LIMIT ${maxCounts})`,
        )
        .run(account);
    });
  }

  forget(account: string, place: string): void {
    this.#write(`wrong codes of ${account} from ${place}`, () => {
      this.#database.prepare("DELETE FROM code_guesses WHERE account = ? AND place = ?").run(account, place);
    });
  }

  forgetAll(account: string): void {
    this.#write(`wrong codes of ${account}`, () => {
      this.#database.prepare("DELETE FROM code_guesses WHERE account = ?").run(account);
    });
  }

  #write(name: string, run: () => void): void {
    persistOf(this.#database).write(name, run);
  }
}
