import * as z from "zod/mini";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { instant, parserOf } from "../database/row-fields.ts";

/** Twice the same: a flipped bit must not date the console to another century. */
export const parseKnownMoment = parserOf(
  z
    .object({ id: z.number(), moment: instant, again: instant, confirmed: z.number() })
    .check(z.refine(({ moment, again }) => moment === again, "expected the same moment twice")),
);

/** A moment that has been, as far as is known. */
export interface Known {
  /** Epoch ms. */
  readonly moment: number;
  /** Whether somebody other than the clock itself has confirmed it: a device, an operator, or an hour without a step. */
  readonly confirmed: boolean;
}

/** The newest moment that the console has known, in a row: what a clock is measured against after a restart. */
export class KnownMoment {
  readonly #database: Database;
  /** Read with each request that comes by a token. */
  readonly #select;

  constructor(database: Database) {
    this.#database = database;
    this.#select = database.prepare("SELECT id, moment, again, confirmed FROM clock WHERE id = 1");
  }

  /** Undefined at the first start, or where it does not read. */
  read(): Known | undefined {
    const row = damageOf(this.#database).one("clock", this.#select, parseKnownMoment);
    return row && { moment: row.moment, confirmed: row.confirmed !== 0 };
  }

  /** @throws Error where the disk does not take it */
  write({ moment, confirmed }: Known): void {
    this.#database
      .prepare(
        `INSERT INTO clock (id, moment, again, confirmed) VALUES (1, ?1, ?1, ?2)
         ON CONFLICT DO UPDATE SET moment = ?1, again = ?1, confirmed = ?2`,
      )
      .run(Math.round(moment), confirmed ? 1 : 0);
  }
}
