import type { Database } from "../database/database.ts";

/** A row of an alert, as far as a report needs it. */
export interface ReportedAlert {
  readonly id: string;
  readonly rule: string;
  readonly device: string;
  readonly fired: number;
  readonly resolved: number | null;
  readonly title: string | null;
}

/** Samples that will not come. */
export interface ReportedGap {
  readonly since: number | null;
  readonly until: number | null;
  readonly samples: number;
  readonly why: string;
}

/** Rows read at once: others have their turn before the next ones. */
const chunk = 500;

/** What the console's database tells for a report, in portions. */
export class ReportRows {
  readonly #database: Database;
  readonly #gaps;
  readonly #counted;
  readonly #alerts;
  readonly #commands;

  constructor(database: Database) {
    this.#database = database;
    this.#gaps = database.prepare(
      `SELECT since, until, samples, why FROM outbox_gaps WHERE device = ?1
       AND coalesce(until, since) >= ?2 AND coalesce(since, until) < ?3`,
    );
    this.#counted = database.prepare(
      `SELECT TOTAL(samples - lost) AS stored, TOTAL(set_aside) AS setAside, COUNT(*) AS outboxes FROM outboxes WHERE device = ?`,
    );
    this.#alerts = database.prepare(
      `SELECT id, rule, device, fired, resolved, CASE WHEN resolved IS NULL THEN json_extract(document, '$.title') END AS title
       FROM alerts WHERE id > ? ORDER BY id LIMIT ${chunk}`,
    );
    // By the index alone.
    this.#commands = database.prepare(
      `SELECT ts, id, device FROM commands WHERE state = ?1 AND (ts, id, device) > (?2, ?3, ?4) AND ts < ?5
       ORDER BY ts, id, device LIMIT ${chunk}`,
    );
  }

  gaps(device: string, from: number, to: number): readonly ReportedGap[] {
    return this.#gaps.all(device, from, to) as ReportedGap[];
  }

  /** How many samples of a device are counted at present; undefined where it numbers none. */
  counted(device: string): { readonly stored: number; readonly setAside: number } | undefined {
    const row = this.#counted.get(device) as { stored: number; setAside: number; outboxes: number };
    return row.outboxes === 0 ? undefined : row;
  }

  /** All alerts, in portions. */
  *alerts(): Generator<readonly ReportedAlert[], void, void> {
    for (let last: string | undefined = ""; last !== undefined;) {
      const rows = this.#alerts.all(last) as unknown as ReportedAlert[];
      yield rows;
      last = rows.length < chunk ? undefined : rows.at(-1)?.id;
    }
  }

  /** The devices of commands of a state that were sent in a time, in portions. */
  *commands(state: string, from: number, to: number): Generator<readonly string[], void, void> {
    interface Sent {
      readonly ts: number;
      readonly id: string;
      readonly device: string;
    }
    for (let last: Sent | undefined = { ts: from - 1, id: "~", device: "~" }; last !== undefined;) {
      const rows = this.#commands.all(state, last.ts, last.id, last.device, to) as unknown as Sent[];
      yield rows.map(({ device }) => device);
      last = rows.length < chunk ? undefined : rows.at(-1);
    }
  }

  /** How many jobs were begun in a time, by their state. */
  jobs(from: number, to: number): Readonly<Record<string, number>> {
    const rows = this.#database
      .prepare("SELECT state, count(*) AS count FROM jobs WHERE ts >= ? AND ts < ? GROUP BY state")
      .all(from, to) as unknown as { state: string; count: number }[];
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }

  /** Devices' certificates that end by then, the first first. */
  ending(now: number, by: number): readonly { readonly device: string; readonly until: number }[] {
    return this.#database
      .prepare(
        `SELECT device, max(expires) AS until FROM certificates WHERE state IN ('waiting', 'used') AND expires > ?1
         GROUP BY device HAVING until < ?2 ORDER BY until`,
      )
      .all(now, by) as { device: string; until: number }[];
  }
}
