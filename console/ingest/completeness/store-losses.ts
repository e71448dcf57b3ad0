import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { transaction, type Database } from "../../database/database.ts";
import type { Setback, Setbacks } from "../../database/setbacks.ts";

export interface StoreLossesOptions {
  readonly database: Database;
  readonly setbacks: Setbacks;
  /** Writes down what the ledger has heard and not yet written. */
  readonly flush: () => void;
  /** Whether samples are stored in that file at all: what an InfluxDB has, it has. */
  readonly inUse: boolean;
  /** Milliseconds: what is older, the store has let go of by itself. */
  readonly maxAge: number;
  readonly log: Log;
}

/** The part of an outbox's time with which its samples are gone: `?1` is the moment from which on the store has none. */
const share = `CASE WHEN heard <= ?1 THEN 0.0 WHEN begun >= ?1 THEN 1.0 ELSE (heard - ?1) * 1.0 / (heard - begun) END`;
const gone = `CAST(ROUND((samples - lost) * ${share}) AS INTEGER)`;

/**
 * What was stored and is gone with the embedded store's file, because that was removed, damaged or put back to an older copy: no more
 * counted as stored, but as a gap of each device, with the cause. How much of it there was nobody has counted by time: it is an estimate,
 * as if samples had come evenly.
 */
export class StoreLosses {
  readonly #options: StoreLossesOptions;

  constructor(options: StoreLossesOptions) {
    this.#options = options;
  }

  /** Reckons with all that is not reckoned with yet. What the disk refuses is for the next start. */
  settle(): void {
    const { setbacks, inUse, flush, log } = this.#options;
    for (const setback of setbacks.of("metrics.db")) {
      try {
        flush();
        if (inUse) this.#count(setback);
        else setbacks.done(setback);
      } catch (thrown) {
        const message = "which samples are gone with the embedded store's file could not be written down yet";
        log.error({ err: asError(thrown) }, message);
      }
    }
  }

  #count(setback: Setback): void {
    const { database, setbacks, maxAge } = this.#options;
    const from = setback.since ?? setback.ts - maxAge;
    transaction(database, () => {
      database
        .prepare(
          `INSERT INTO outbox_gaps (device, outbox, first, last, batches, samples, estimated, since, until, why)
           SELECT device, '', 0, 0, CAST(ROUND(TOTAL(batches * ${share})) AS INTEGER), SUM(${gone}), 1,
             MIN(MAX(begun, ?1)), MAX(COALESCE(newest, heard)), ?2
           FROM outboxes WHERE ${gone} > 0 GROUP BY device`,
        )
        .run(from, `${setback.why}, and what it had with it`);
      database.prepare(`UPDATE outboxes SET lost = lost + ${gone} WHERE ${gone} > 0`).run(from);
      setbacks.done(setback);
    });
  }
}
