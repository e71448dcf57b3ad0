import * as z from "zod/mini";
import { json } from "#shared/messages/payload-schema";
import { parseJson } from "#shared/nesting";
import { damageOf } from "../database/damage.ts";
import { transaction, type Database } from "../database/database.ts";
import type { Row } from "../database/row.ts";
import { instant, moment, parserOf } from "../database/row-fields.ts";
import { keptTarget } from "../jobs/kept-job.ts";
import type { Schedule, ScheduleRun } from "./schedule.ts";

/** Runs remembered of each schedule: the newest. */
export const maxRunsKept = 50;

const order = z.object({
  key: z.string(),
  args: z.record(z.string(), json),
  target: keptTarget,
  rate: z.number().check(z.positive()),
  canary: z.number(),
  abort: z.nullable(z.object({ failed: z.number(), min: z.number() })),
  gate: z.optional(z.string()),
  ttl: z.number(),
  timeout: moment,
});

const parseDocument = parserOf(
  z.object({
    name: z.string(),
    cron: z.string(),
    zone: z.string(),
    window: z.number().check(z.nonnegative()),
    missed: z.enum(["run", "tell"]),
    order,
    by: z.string(),
    account: z.optional(z.number()),
    token: z.optional(z.object({ id: z.string(), name: z.string() })),
    limit: z.optional(z.array(z.string())),
    created: instant,
    paused: z.nullable(z.object({ by: z.string(), ts: instant })),
  }),
);
const parseRow = parserOf(z.object({ id: z.string(), document: z.string(), handled: instant }));

/** @throws Error for a row that does not read */
export function parseSchedule(row: Row): Schedule {
  const { id, document, handled } = parseRow(row);
  return { ...parseDocument(parseJson(document) as Row), id, handled };
}

/** @throws Error for a row that does not read */
export const parseScheduleRun = parserOf(
  z.object({
    due: instant,
    ts: instant,
    state: z.enum(["begun", "missed", "refused"]),
    job: z.nullable(z.string()),
    why: z.nullable(z.string()),
  }),
);

/** The schedules' rows, and those of what became of each of their times. */
export class ScheduleRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** In the order in which they were made. */
  all(): readonly Schedule[] {
    const select = this.#database.prepare("SELECT id, document, handled FROM schedules ORDER BY id");
    return damageOf(this.#database).all("schedules", select, parseSchedule);
  }

  /** Makes it, or writes it anew. Within a transaction of the caller, or alone. @throws Error of the database */
  put({ id, handled, ...document }: Schedule): void {
    this.#database
      .prepare(
        `INSERT INTO schedules (id, document, handled) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET document = excluded.document, handled = excluded.handled`,
      )
      .run(id, JSON.stringify(document), Math.round(handled));
  }

  /** With its runs. @throws Error of the database */
  remove(id: string): void {
    this.#database.prepare("DELETE FROM schedules WHERE id = ?").run(id);
  }

  /** Writes down what became of some of its times, and up to where all is dealt with: both or neither. @throws Error of the database */
  note(id: string, handled: number, runs: readonly ScheduleRun[]): void {
    const insert = this.#database.prepare(
      "INSERT OR IGNORE INTO schedule_runs (schedule, due, ts, state, job, why) VALUES (?, ?, ?, ?, ?, ?)",
    );
    transaction(this.#database, () => {
      for (const { due, ts, state, job, why } of runs) insert.run(id, due, ts, state, job, why);
      this.#database.prepare("UPDATE schedules SET handled = ? WHERE id = ?").run(Math.round(handled), id);
      this.#database
        .prepare(
          `DELETE FROM schedule_runs WHERE schedule = ?1 AND due NOT IN
           (SELECT due FROM schedule_runs WHERE schedule = ?1 ORDER BY due DESC LIMIT ${maxRunsKept})`,
        )
        .run(id);
    });
  }

  /** The newest first. */
  runs(id: string, most = maxRunsKept): readonly ScheduleRun[] {
    const select = this.#database.prepare("SELECT * FROM schedule_runs WHERE schedule = ? ORDER BY due DESC LIMIT ?");
    return damageOf(this.#database).all("schedule_runs", select, parseScheduleRun, id, most);
  }

  /** Whether something has become of that time. */
  isKnown(id: string, due: number): boolean {
    return (
      this.#database.prepare("SELECT 1 FROM schedule_runs WHERE schedule = ? AND due = ?").get(id, due) !== undefined
    );
  }
}
