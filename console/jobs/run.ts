import type { Clock } from "#shared/clock";
import { formatDuration } from "#shared/duration";
import type { DeviceId } from "#shared/ids";
import { isOpen, type Command } from "../desk/command.ts";
import type { Desk } from "../desk/desk.ts";
import { CommandRefusedError } from "../desk/errors.ts";
import type { Device } from "../device.ts";
import { isRefusedWrite } from "../store/database.ts";
import { retryAfter } from "../store/persist.ts";
import { commandIdOf, isSent, outcomeOf, type Job, type JobRow, type JobState } from "./job.ts";
import { tooManyFailed } from "./judge.ts";
import { Pacer } from "./pacer.ts";
import type { JobRows } from "./rows.ts";
import { Table } from "./table.ts";
import type { Counts } from "./tally.ts";

export interface RunOptions {
  readonly store: JobRows;
  readonly desk: Desk;
  /** What the ids of its commands are made with. */
  readonly nonce: string;
  readonly clock: Clock;
  readonly device: (id: DeviceId) => Device | undefined;
  /** The job or one of its devices changed; `became` when it is the job's own state. */
  readonly changed: (became: boolean) => void;
}

/** Whether somebody is told when it cannot be written down, or it is kept until it can. */
type Writing = "demanded" | "kept";

/** Milliseconds between two looks at a time that is over by a clock which may be wrong. */
const untimely = 60_000;

/**
 * One job at work.
 *
 * running ◄──► paused ──► cancelled (by a person) | aborted (too much failed) | done (every device has ended)
 *
 * Sending is paced by one timer that takes the next waiting row; everything else follows from the desk's changes. A row
 * is written as sent, with its command's id, before the command is handed to the desk: whatever is killed in between,
 * the id is looked for first, and no device is served twice. Canaries are the first rows; while one of them has not
 * ended, no other row is next.
 */
export class Run {
  readonly #options: RunOptions;
  #job: Job;
  readonly #table: Table;
  readonly #timeouts = new Map<number, () => void>();
  readonly #pacer: Pacer;

  constructor(job: Job, rows: readonly JobRow[], options: RunOptions) {
    this.#options = options;
    this.#job = job;
    this.#table = new Table(rows);
    this.#pacer = new Pacer(options.clock, job.rate);
  }

  get job(): Job {
    return this.#job;
  }

  get rows(): readonly JobRow[] {
    return this.#table.rows;
  }

  get counts(): Counts {
    return this.#table.counts;
  }

  /** Whether nothing is left to do or to wait for. */
  get over(): boolean {
    return !this.#active && this.counts.sent === 0;
  }

  /** Goes on where the rows say that it was. */
  start(): void {
    for (const { device } of this.#table.sent) this.#recover(this.#table.of(device));
    this.#withdrawStopped();
    this.#review();
  }

  stop(): void {
    this.#pacer.halt();
    for (const cancel of this.#timeouts.values()) cancel();
    this.#timeouts.clear();
  }

  /** It waits for a person, who knows whether it is still wanted. @param why as a sentence */
  hold(why: string): void {
    if (this.#job.state === "running") this.#become("paused", `paused: ${why}`);
  }

  /** @throws Error of the database when that cannot be written down: then it goes on. So do the two below. */
  pause(by: string): void {
    this.#become("paused", `paused by ${by}`, [], "demanded");
  }

  resume(): void {
    this.#become("running", undefined, [], "demanded");
    this.#review();
  }

  /** Nothing more is sent, and what was sent is withdrawn. */
  cancel(by: string): void {
    if (this.#active) this.#end("cancelled", `cancelled by ${by}`, "demanded");
    this.#withdraw(this.#table.sent, by);
  }

  commandChanged(command: Command): void {
    const row = this.#table.of(command.device);
    if (row?.command === command.id && isSent(row)) this.#follow(row, command);
  }

  /** It never gets the command, unless it has it already. */
  leave(device: DeviceId, why: string): void {
    const row = this.#table.of(device);
    if (row?.state !== "waiting") return;
    this.#set(row, { state: "cancelled", ended: this.#now(), outcome: `never sent: ${why}` });
    this.#review();
  }

  /** The timeout of a device that was away counts from its return. */
  deviceOnline(device: DeviceId): void {
    const row = this.#table.of(device);
    if (this.#job.timeout === null || !row || !isSent(row) || row.taken !== null) return;
    this.#arm(this.#set(row, { taken: this.#now() }));
  }

  get #active(): boolean {
    return this.#job.state === "running" || this.#job.state === "paused";
  }

  #recover(row: JobRow | undefined): void {
    // What became of an earlier row may have ended the job, and this one with it.
    if (!row || !isSent(row)) return;
    const command = row.command === null ? undefined : this.#options.desk.find(row.device, row.command);
    // Killed between the row and the command: it was never handed over.
    if (!command)
      return void this.#set(row, this.#active ? unsent : { ...unsent, state: "cancelled", ended: this.#now() });
    this.#follow(row, command);
    this.#arm(row);
  }

  /** Plans the next command, at the job's pace. */
  #schedule(): void {
    if (this.#job.state !== "running" || !this.#table.next()) return;
    this.#pacer.plan(() => {
      const row = this.#table.next();
      if (row) this.#send(row);
      this.#review();
    });
  }

  #send(row: JobRow): void {
    const { desk, device, nonce } = this.#options;
    const { id, key, args, by, ttl } = this.#job;
    const command = commandIdOf(id, nonce, row.device);
    const now = this.#now();
    const taken = device(row.device)?.online ? now : null;
    const queued = { state: "queued", command, sent: now, taken } as const;
    try {
      this.#options.store.demandDevice(id, { ...row, ...queued });
    } catch (thrown) {
      return this.#waitForDisk(thrown);
    }
    const sent = this.#set(row, queued);
    const known = desk.find(row.device, command);
    if (known) return this.#follow(sent, known);
    try {
      desk.submit(row.device, { id: command, key, args, by: `${by} (job ${id})`, timeout: null, ttl });
      this.#arm(sent);
    } catch (error) {
      if (error instanceof CommandRefusedError)
        return void this.#set(sent, { ...unsent, state: "rejected", ended: now, outcome: error.message });
      this.#set(sent, unsent);
      this.#waitForDisk(error);
    }
  }

  /** Nothing is sent that is not written down: the same device is next when the disk may take writes again. @throws what is another fault */
  #waitForDisk(thrown: unknown): void {
    if (!isRefusedWrite(thrown)) throw thrown;
    this.#pacer.hold(retryAfter);
  }

  #follow(row: JobRow, command: Command): void {
    if (!isOpen(command)) {
      this.#timeouts.get(row.position)?.();
      this.#timeouts.delete(row.position);
      const state = this.#ranOutOfTime(command) ? "timed_out" : command.state;
      this.#set(row, { state, ended: command.ended ?? this.#now(), outcome: outcomeOf(command) });
      return this.#review();
    }
    const { state, progress } = command;
    if (state === row.state && progress === row.progress) return;
    const taken = row.taken ?? (state === "queued" ? null : this.#now());
    this.#arm(this.#set(row, { state, taken, ...(progress === undefined ? {} : { progress }) }));
  }

  /** Ends the job when it is time to, or sees to the next command. */
  #review(): void {
    if (!this.#active) return this.over ? this.#options.changed(true) : undefined;
    const why = tooManyFailed(this.#job, this.#table.judged, this.#table.canaries);
    if (why !== undefined) {
      this.#end("aborted", why);
      return this.#withdrawStopped();
    }
    const { waiting, sent } = this.counts;
    if (waiting === 0 && sent === 0) this.#become("done");
    else this.#schedule();
  }

  /** What was sent under a job that has stopped: withdrawn, except what already runs when it stopped by itself. */
  #withdrawStopped(): void {
    const { id, state } = this.#job;
    if (state === "cancelled") this.#withdraw(this.#table.sent, `job ${id}, which was cancelled`);
    if (state === "aborted")
      this.#withdraw(
        this.#table.sent.filter(({ state }) => state !== "running"),
        `job ${id}, which was aborted`,
      );
  }

  #withdraw(rows: readonly JobRow[], by: string): void {
    for (const { device, command } of rows) if (command !== null) this.#options.desk.cancel(device, command, by);
  }

  /** Stops for good: what waits is never sent. */
  #end(state: "cancelled" | "aborted", why: string, writing: Writing = "kept"): void {
    const now = this.#now();
    const outcome = `never sent: the job was ${state}`;
    const unserved = this.#table.waiting.map((row) => ({ ...row, state: "cancelled", ended: now, outcome }) as const);
    this.#become(state, why, unserved, writing);
  }

  #become(state: JobState, why?: string, rows: readonly JobRow[] = [], writing: Writing = "kept"): void {
    const { store } = this.#options;
    const { why: _, ...job } = this.#job;
    const final = state !== "running" && state !== "paused";
    const next = { ...job, state, ...(why === undefined ? {} : { why }), ...(final ? { ended: this.#now() } : {}) };
    if (writing === "demanded") store.demandUpdate(next, rows);
    else store.update(next, rows);
    this.#job = next;
    for (const row of rows) this.#table.change(row, row);
    if (state !== "running") this.#pacer.halt();
    this.#options.changed(true);
  }

  /** Begins to count a row's time, if it has one. */
  #arm({ device }: JobRow): void {
    const row = this.#table.of(device);
    const { timeout } = this.#job;
    const { clock, desk } = this.#options;
    if (timeout === null || !row || row.taken === null || !isSent(row) || this.#timeouts.has(row.position)) return;
    const { command, position, taken } = row;
    const again = (): void => {
      this.#timeouts.delete(position);
      this.#arm(row);
    };
    const cancel = clock.after(Math.max(0, taken + timeout - clock.now()), () => {
      // A clock that may be wrong ends nothing: it is looked at again when it may be right.
      if (!desk.timely) this.#timeouts.set(position, clock.after(untimely, again));
      else if (command !== null) desk.cancel(device, command, `job ${this.#job.id}: ${this.#patience}`);
    });
    this.#timeouts.set(position, cancel);
  }

  get #patience(): string {
    return `no end within ${formatDuration(this.#job.timeout ?? 0)}`;
  }

  /** The withdrawal by {@link #arm}, told by its reason, so that it is known for what it was after a crash too. */
  #ranOutOfTime({ state, error }: Command): boolean {
    return state === "cancelled" && this.#job.timeout !== null && (error?.message.includes(this.#patience) ?? false);
  }

  #set(row: JobRow, changes: Partial<JobRow>): JobRow {
    const before = this.#table.rows[row.position] ?? row;
    const after = this.#table.change(row, changes);
    // Progress comes often and is not kept.
    if (after.state !== before.state || after.taken !== before.taken)
      this.#options.store.updateDevice(this.#job.id, after);
    this.#options.changed(false);
    return after;
  }

  #now(): number {
    return Math.round(this.#options.clock.now());
  }
}

const unsent = { state: "waiting", command: null, sent: null, taken: null } as const;
