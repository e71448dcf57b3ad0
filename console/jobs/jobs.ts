import type { Clock } from "#shared/clock";
import { shortId, sortableId, type DeviceId } from "#shared/ids";
import { BadInputError } from "#shared/errors";
import { comparisonsOf } from "#shared/filter/condition";
import { lookUpIn, type DeviceValues } from "#shared/filter/filter-values";
import type { LookUp, Valued } from "#shared/filter/evaluate-filter";
import { parseFilter } from "#shared/filter/parse-filter";
import { quoted } from "#shared/printable";
import { Signal } from "#shared/signal";
import type { Desk } from "../desk/desk.ts";
import type { Device } from "../devices/device.ts";
import type { Database } from "../database/database.ts";
import { persistOf } from "../database/persist.ts";
import { Announcer } from "./announcer.ts";
import { JobRefusedError } from "./job-errors.ts";
import { maxCompared } from "./gate.ts";
import { explainJob } from "./explain-job.ts";
import type { Groups } from "../devices/groups.ts";
import type { Job, JobRequest, JobRow, RowState } from "./job.ts";
import { JobRows } from "./job-rows.ts";
import { Run } from "./run.ts";
import { isSkipped, sumUp, type Counts } from "./tally.ts";
import { fleetWithin, select, targetWithin, type Directory, type Reach } from "./target.ts";
import { takeBack } from "./take-back.ts";
import { planned, toRows, type PlannedRow } from "./takers.ts";

export interface JobsOptions {
  /** Takes what a listener to changes throws. */
  readonly failed?: (thrown: unknown) => void;
  readonly database: Database;
  readonly groups: Groups;
  readonly desk: Desk;
  readonly clock: Clock;
  /** How jobs are written down; nobody does unless given. */
  readonly audit?: JobAudit;
  /** A device's newest value of a measurement's field, not older than a moment; none by default. */
  readonly valued?: (id: string, measurement: string, field: string, since?: number) => Valued;
  /** The fleet: the registry. */
  readonly directory: Directory & { readonly changes: Signal<Device> };
}

/** What else there is to say of who makes a job. */
export interface JobSender {
  /** Where it came from, for the audit log. */
  readonly from?: string;
  /** The devices that its sender may reach: of others it is as if they were not there. */
  readonly reaches?: Reach | undefined;
  /** What has begun it by the clock. */
  readonly schedule?: Job["schedule"];
}

export interface JobAudit {
  /** Before it is made. @param from where its order came from @throws Error where it cannot be written down */
  created(job: Job, devices: readonly DeviceId[], from: string): void;
  ended(job: Job, counts: Counts): void;
}

/** Characters of a job's nonce: 160 bits. */
const nonceLength = 32;

/** A job with where it stands. */
export interface JobSummary extends Job {
  readonly counts: Counts;
  /** What it waits for and who acts next. */
  readonly explain: string;
}

/** One command to many devices, and the groups that devices can be in. Everything is kept in the database. */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #rows: JobRows;
  readonly #runs = new Map<string, Run>();
  readonly #announcer: Announcer;
  readonly groups: Groups;
  /** Jobs that changed; a few a second of each at most. */
  readonly changes: Signal<JobSummary>;
  #undo: (() => void)[] = [];

  constructor(options: JobsOptions) {
    this.#options = options;
    this.changes = new Signal(options.failed);
    this.#rows = new JobRows(options.database);
    this.groups = options.groups;
    this.#announcer = new Announcer(options.clock, (id) => this.#announce(id));
  }

  /** Goes on with every job that has not ended. The desk has to be started already. @param held why what runs is to wait for a person */
  start(held?: string): void {
    const { desk, directory } = this.#options;
    this.#rows.trim();
    this.#undo = [
      // A command's id begins with its job's.
      desk.changes.on((command) => this.#runs.get(command.id.split("-", 1)[0] ?? "")?.commandChanged(command)),
      directory.changes.on((device) => {
        if (device.online) for (const run of this.#runs.values()) run.deviceOnline(device.id);
      }),
    ];
    for (const job of this.#rows.unended()) this.#begin(job, this.#rows.devices(job.id), held);
  }

  /** Sends nothing more; a later start goes on. */
  stop(): void {
    for (const undo of this.#undo.splice(0)) undo();
    for (const run of this.#runs.values()) run.stop();
    this.#runs.clear();
    this.#announcer.stop();
  }

  /**
   * Takes an order and begins to send.
   * @throws JobRefusedError when the target selects nothing, or nothing that takes the command; BadInputError when it cannot be read
   */
  create(order: JobRequest, by: string, { from = "api", reaches, schedule }: JobSender = {}): JobSummary {
    const { clock, audit } = this.#options;
    const ts = Math.round(clock.now());
    const devices = this.select(order.target, reaches);
    const { id = sortableId(ts), signature, target } = order;
    if (signature && (order.id === undefined || !("devices" in target)))
      throw new BadInputError(
        'a signature is for one id and one list: expected "id" and "target": {"devices": […]} beside it',
      );
    if (this.#rows.find(id))
      throw new JobRefusedError("id-taken", `there has been a job "${id}" already: sign it again, under another id`);
    if (order.gate !== undefined) this.#checkGate(order.gate, devices);
    const job: Job = { ...order, id, by, ts, state: "running", ...(schedule ? { schedule } : {}) };
    const rows = toRows(job, devices, (device) => this.#options.desk.hasAnswered(device));
    audit?.created(
      job,
      devices.map(({ id }) => id),
      from,
    );
    this.#rows.insert(job, shortId(nonceLength), rows);
    this.#begin(job, rows);
    return this.#summary(job.id)!;
  }

  /** What an order would come to now; nothing is sent. @throws JobRefusedError, BadInputError as {@link create} does, but for want of takers */
  plan(order: JobRequest, reaches?: Reach): readonly PlannedRow[] {
    const devices = this.select(order.target, reaches);
    if (order.gate !== undefined) this.#checkGate(order.gate, devices);
    return planned(order, devices, (device) => this.#options.desk.hasAnswered(device));
  }

  /** The devices that a target means at present. @throws JobRefusedError, BadInputError as {@link create} does */
  select(target: JobRequest["target"], reaches?: Reach): readonly Device[] {
    const values = (device: Device): DeviceValues => this.#values(device);
    return select(target, fleetWithin(reaches, this.#options.directory, this.groups, values));
  }

  /** Whether what was done is on the disk, and may be told. */
  async kept(): Promise<boolean> {
    return persistOf(this.#options.database).tried();
  }

  /** The job with its devices; undefined for an unknown id. */
  find(id: string): { readonly summary: JobSummary; readonly rows: readonly JobRow[] } | undefined {
    const found = this.open(id);
    return found && { ...found, rows: [...found.rows] };
  }

  /**
   * The same with devices that are read one by one, to be gone through in several turns of the event loop.
   * @param reaches of whoever asks: a job is his part of it, and none where he has no part in it
   */
  open(id: string, reaches?: Reach): { readonly summary: JobSummary; readonly rows: Iterable<JobRow> } | undefined {
    const summary = this.look(id, reaches);
    return summary && { summary, rows: this.#rowsWithin(id, reaches) };
  }

  /** The job without its devices, or the part of it that is within reach; undefined where there is none. */
  look(id: string, reaches?: Reach): JobSummary | undefined {
    if (!reaches) return this.#summary(id);
    const job = this.#runs.get(id)?.job ?? this.#rows.find(id);
    const rows = job ? [...this.#rowsWithin(id, reaches)] : [];
    if (!job || rows.length === 0) return undefined;
    const counts = sumUp(count(rows), rows.filter(isSkipped).length);
    const part = { ...job, target: targetWithin(job.target, reaches) };
    return { ...part, counts, explain: explainJob(part, counts, rows, (one) => this.#options.directory.get(one)) };
  }

  *#rowsWithin(id: string, reaches: Reach = () => true): Generator<JobRow, void, void> {
    for (const row of this.#runs.get(id)?.rows.slice() ?? this.#rows.walk(id)) if (reaches(row.device)) yield row;
  }

  /** @throws JobRefusedError where a device that it has not ended with is out of reach */
  #assertWithin(id: string, reaches: Reach | undefined): void {
    if (!reaches) return;
    if (!this.look(id, reaches)) throw unknownJob(id);
    const foreign = (this.#runs.get(id)?.rows ?? []).some(({ device, ended }) => ended === null && !reaches(device));
    if (foreign) throw new JobRefusedError("not-yours", `job ${id} goes to devices that are not yours as well`);
  }

  /** Newest first. */
  list(limit: number): readonly JobSummary[] {
    return [...this.walk()].slice(0, limit);
  }

  /** The same one by one, each a look at its devices. @param before only what was begun before this one */
  *walk(before?: string, reaches?: Reach): Generator<JobSummary, void, void> {
    for (const id of this.#rows.ids(before)) {
      const summary = this.look(id, reaches);
      if (summary) yield summary;
    }
  }

  /** @throws JobRefusedError unless it runs */
  pause(id: string, by: string, reaches?: Reach): JobSummary {
    this.#assertWithin(id, reaches);
    return this.#change(id, "running", (run) => run.pause(by));
  }

  /** @throws JobRefusedError unless it is paused */
  resume(id: string, reaches?: Reach): JobSummary {
    this.#assertWithin(id, reaches);
    return this.#change(id, "paused", (run) => run.resume());
  }

  /** Waiting devices never get it, open commands are withdrawn. What has ended stays as it is. @throws JobRefusedError for an unknown id */
  cancel(id: string, by: string, reaches?: Reach): JobSummary {
    this.#assertWithin(id, reaches);
    this.#runs.get(id)?.cancel(by);
    return this.#known(id);
  }

  /** The console's state was put back: what runs waits for a person. @param why as a sentence */
  hold(why: string): void {
    for (const run of this.#runs.values()) run.hold(why);
  }

  /** A device is no more: jobs that have not sent to it never will, even if it is enrolled again. @param why as a sentence */
  leave(device: DeviceId, why: string): void {
    for (const run of this.#runs.values()) run.leave(device, why);
  }

  #change(id: string, from: Job["state"], change: (run: Run) => void): JobSummary {
    const run = this.#runs.get(id);
    const { state } = this.#known(id);
    if (!run || state !== from)
      throw new JobRefusedError("wrong-state", `job ${id} is ${state}: expected one that is ${from}`);
    change(run);
    return this.#known(id);
  }

  #known(id: string): JobSummary {
    const summary = this.#summary(id);
    if (summary) return summary;
    throw unknownJob(id);
  }

  #begin(job: Job, rows: readonly JobRow[], held?: string): void {
    const { desk, clock, directory } = this.#options;
    const run = new Run(job, rows, {
      store: this.#rows,
      nonce: this.#rows.nonce(job.id),
      desk,
      clock,
      device: (id) => directory.get(id),
      lookAt: (id, since) => this.#lookAt(id, since),
      undo: (gone, devices) =>
        takeBack(gone, devices, {
          undoOf: (device, key) => directory.get(device)?.commands?.[key]?.undo,
          isMade: (id) => this.#rows.find(id) !== undefined,
          create: (order, by) => this.create(order, by, { from: "job" }),
        }),
      changed: (became) => this.#changed(run, became),
    });
    this.#runs.set(job.id, run);
    if (held !== undefined) run.hold(held);
    run.start();
  }

  #values(device: Device, since?: number): DeviceValues {
    const { clock, valued } = this.#options;
    const metric = (...name: [measurement: string, field: string]): Valued => valued?.(device.id, ...name, since);
    return { device, groups: this.groups.of(device.id), metric, now: clock.now() };
  }

  #lookAt(id: DeviceId, since = 0): LookUp | undefined {
    const { directory } = this.#options;
    const device = directory.get(id);
    if (!device) return undefined;
    return lookUpIn(this.#values(device, since));
  }

  /** @throws BadInputError where the gate does not read, or names what none of the devices tells */
  #checkGate(gate: string, devices: readonly Device[]): void {
    const { condition } = parseFilter(gate);
    const some = devices.slice(0, maxCompared).map(({ id }) => this.#lookAt(id));
    for (const { name } of comparisonsOf(condition))
      if (some.every((lookUp) => lookUp?.(name) === undefined))
        throw new BadInputError(
          `the gate names ${quoted(name)}, and none of the devices tells it: expected one that they do, such as mem.used_percent`,
        );
  }

  #changed(run: Run, became: boolean): void {
    const { id } = run.job;
    if (!became) return this.#announcer.changed(id);
    if (run.over) {
      run.stop();
      this.#runs.delete(id);
      this.#options.audit?.ended(run.job, run.counts);
    }
    this.#announcer.now(id);
  }

  #announce(id: string): void {
    const summary = this.#summary(id);
    if (summary) this.changes.emit(summary);
  }

  #summary(id: string): JobSummary | undefined {
    const job = this.#runs.get(id)?.job ?? this.#rows.find(id);
    return job && this.#summarize(job);
  }

  #summarize(stored: Job): JobSummary {
    const run = this.#runs.get(stored.id);
    const job = run?.job ?? stored;
    const counts = run?.counts ?? sumUp(this.#rows.states(job.id), this.#rows.skipped(job.id));
    return {
      ...job,
      counts,
      explain: explainJob(job, counts, run?.rows ?? [], (id) => this.#options.directory.get(id), run?.heldUp),
    };
  }
}

function unknownJob(id: string): JobRefusedError {
  return new JobRefusedError("unknown-job", `there is no job "${id}"; GET /api/jobs lists them`);
}

function count(rows: readonly JobRow[]): Map<RowState, number> {
  const states = new Map<RowState, number>();
  for (const { state } of rows) states.set(state, (states.get(state) ?? 0) + 1);
  return states;
}
