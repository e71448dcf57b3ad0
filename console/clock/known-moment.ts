import * as z from "zod/mini";
import { damageOf } from "../store/damage.ts";
import type { Database } from "../store/database.ts";
import { instant, parserOf } from "../store/kept.ts";

/** Twice the same: a flipped bit must not date the console to another century. */
export const parseRow = parserOf(
  z
    .object({ id: z.number(), moment: instant, again: instant })
    .check(z.refine(({ moment, again }) => moment === again, "expected the same moment twice")),
);

/** The newest moment that the console has known, in a row: what a clock is measured against after a restart. */
export class KnownMoment {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Epoch ms; undefined at the first start, or where it does not read. */
  read(): number | undefined {
    const select = this.#database.prepare("SELECT id, moment, again FROM clock WHERE id = 1");
    return damageOf(this.#database).one("clock", select, parseRow)?.moment;
  }

  /** @throws Error where the disk does not take it */
  write(moment: number): void {
    this.#database
      .prepare(
        "INSERT INTO clock (id, moment, again) VALUES (1, ?1, ?1) ON CONFLICT DO UPDATE SET moment = ?1, again = ?1",
      )
      .run(Math.round(moment));
  }
}
