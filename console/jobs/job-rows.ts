import { damageOf } from "../database/damage.ts";
import type { Row } from "../database/row.ts";
import { transaction, type Database } from "../database/database.ts";
import { persistOf, type Persist } from "../database/persist.ts";
import type { Job, JobRow, RowState } from "./job.ts";
import { parseJob, parseJobDevice } from "./kept-job.ts";

/** Jobs kept at most; the oldest ended ones are forgotten beyond it. */
const historyLimit = 1_000;
/** Devices of a job that are read at once for an answer. */
const chunk = 100;
const unended = "('waiting', 'queued', 'accepted', 'running')";

/** The jobs' rows, and those of their devices. */
export class JobRows {
  readonly #database: Database;
  readonly #persist: Persist;
  readonly #updateDevice;

  constructor(database: Database) {
    this.#database = database;
    this.#persist = persistOf(database);
    this.#updateDevice = database.prepare(
      "UPDATE job_devices SET state = ?, command = ?, sent = ?, taken = ?, ended = ?, outcome = ? WHERE job = ? AND position = ?",
    );
  }

  /** The job and all its devices, or nothing. */
  insert(job: Job, nonce: string, rows: readonly JobRow[]): void {
    const insert = this.#database.prepare(
      "INSERT INTO job_devices (job, position, device, canary, state, ended, outcome) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    transaction(this.#database, () => {
      this.#database
        .prepare("INSERT INTO jobs (id, state, ts, document, nonce) VALUES (?, ?, ?, ?, ?)")
        .run(job.id, job.state, job.ts, JSON.stringify(job), nonce);
      for (const { position, device, canary, state, ended, outcome } of rows)
        insert.run(job.id, position, device, canary ? 1 : 0, state, ended, outcome);
    });
  }

  /** A change of the job and of some of its devices, all at once: now, or as soon as the disk takes it. */
  update(job: Job, rows: readonly JobRow[] = []): void {
    this.#persist.write(`job ${job.id}${rows.length > 0 ? " and devices" : ""}`, () => this.#update(job, rows));
  }

  /** The same for somebody who is told when that fails. @throws Error of the database: nothing has changed */
  demandUpdate(job: Job, rows: readonly JobRow[] = []): void {
    const names = rows.map((row) => deviceName(job.id, row));
    this.#persist.demand(() => this.#update(job, rows), `job ${job.id}`, ...names);
  }

  /** What became of a device: written now, or as soon as the disk takes it. */
  updateDevice(job: string, row: JobRow): void {
    this.#persist.write(deviceName(job, row), () => this.#putDevice(job, row));
  }

  /** The same before something is done that must not be done twice. @throws Error of the database: nothing has changed */
  demandDevice(job: string, row: JobRow): void {
    this.#persist.demand(() => this.#putDevice(job, row), deviceName(job, row));
  }

  #update(job: Job, rows: readonly JobRow[]): void {
    transaction(this.#database, () => {
      this.#database
        .prepare("UPDATE jobs SET state = ?, document = ? WHERE id = ?")
        .run(job.state, JSON.stringify(job), job.id);
      for (const row of rows) this.#putDevice(job.id, row);
    });
  }

  #putDevice(job: string, { state, command, sent, taken, ended, outcome, position }: JobRow): void {
    this.#updateDevice.run(state, command, sent, taken, ended, outcome, job, position);
  }

  find(id: string): Job | undefined {
    return this.#jobs("SELECT id, document FROM jobs WHERE id = ?", id)[0];
  }

  /** What the ids of its commands are made with; not part of the job, which is told to everybody. */
  nonce(id: string): string {
    const row = this.#database.prepare("SELECT nonce FROM jobs WHERE id = ?").get(id) as { nonce: string } | undefined;
    return row?.nonce ?? "";
  }

  /** Newest first. @param before only of those begun before this one */
  ids(before?: string): readonly string[] {
    const where = before === undefined ? "" : "WHERE (ts, id) < ((SELECT ts FROM jobs WHERE id = ?1), ?1)";
    const select = this.#database.prepare(`SELECT id FROM jobs ${where} ORDER BY ts DESC, id DESC`);
    const rows = select.all(...(before === undefined ? [] : [before])) as unknown as { id: string }[];
    return rows.map(({ id }) => id);
  }

  /** Jobs that have something left to do, oldest first: also a cancelled one whose commands are still open. */
  unended(): readonly Job[] {
    return this.#jobs(
      `SELECT id, document FROM jobs WHERE state IN ('running', 'paused')
       OR id IN (SELECT job FROM job_devices WHERE state IN ${unended}) ORDER BY ts, id`,
    );
  }

  /** A job's devices in the order of sending, a few read at a time. */
  *walk(job: string): Generator<JobRow, void, void> {
    const select = this.#database.prepare(
      `SELECT * FROM job_devices WHERE job = ? AND position > ? ORDER BY position LIMIT ${chunk}`,
    );
    let last = -1;
    for (let read = chunk; read === chunk;) {
      read = 0;
      const parse = (row: Row): JobRow => {
        read += 1;
        last = Number(row["position"]);
        return parseJobDevice(row);
      };
      yield* damageOf(this.#database).each("job_devices", select, parse, job, last);
    }
  }

  /** A job's devices in the order of sending. */
  devices(job: string): readonly JobRow[] {
    const select = this.#database.prepare("SELECT * FROM job_devices WHERE job = ? ORDER BY position");
    const rows = damageOf(this.#database).all("job_devices", select, parseJobDevice, job);
    return rows.every(({ position }, index) => position === index) ? rows : this.#closed(job, rows);
  }

  /** Closes the gaps that damaged rows have left: whoever works with the rows finds each at its position. */
  #closed(job: string, rows: readonly JobRow[]): readonly JobRow[] {
    const move = this.#database.prepare("UPDATE job_devices SET position = ? WHERE job = ? AND position = ?");
    return transaction(this.#database, () =>
      rows.map((row, position) => {
        if (row.position !== position) move.run(position, job, row.position);
        return { ...row, position };
      }),
    );
  }

  /** How many devices of a job are in which state. */
  states(job: string): readonly (readonly [RowState, number])[] {
    const sql = "SELECT state, count(*) AS count FROM job_devices WHERE job = ? GROUP BY state";
    const rows = this.#database.prepare(sql).all(job) as unknown as { state: RowState; count: number }[];
    return rows.map(({ state, count }) => [state, count]);
  }

  /** How many of them take no such command, and were sent nothing. */
  skipped(job: string): number {
    const sql = "SELECT count(*) AS count FROM job_devices WHERE job = ? AND state = 'rejected' AND command IS NULL";
    return (this.#database.prepare(sql).get(job) as { count: number } | undefined)?.count ?? 0;
  }

  /** Forgets the oldest ended jobs beyond the limit. */
  trim(): void {
    const trim = this.#database.prepare(
      `DELETE FROM jobs WHERE state NOT IN ('running', 'paused')
       AND id NOT IN (SELECT job FROM job_devices WHERE state IN ${unended})
       AND ts < (SELECT ts FROM jobs ORDER BY ts DESC LIMIT 1 OFFSET ?)`,
    );
    this.#persist.write("jobs: trim", () => trim.run(historyLimit));
  }

  #jobs(sql: string, ...parameters: (string | number)[]): Job[] {
    return damageOf(this.#database).all("jobs", this.#database.prepare(sql), parseJob, ...parameters);
  }
}

function deviceName(job: string, { position }: JobRow): string {
  return `job ${job} device ${position}`;
}
