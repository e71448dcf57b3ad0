import type { Clock } from "#shared/clock";
import type { CommandId, DeviceId } from "#shared/ids";
import type { Signature } from "#shared/messages/command-signature";
import { parseFilter } from "#shared/filter/parse-filter";
import { TargetTree } from "#shared/signing/targets";
import type { Command } from "../desk/command.ts";
import type { Desk } from "../desk/desk.ts";
import { CommandRefusedError } from "../desk/command-errors.ts";
import type { Device } from "../devices/device.ts";
import { isRefusedWrite } from "../database/database.ts";
import { retryAfter } from "../database/persist.ts";
import type { Effect, JobEvent, JobStep } from "./job-event.ts";
import { GateWatch, gateLooks, type GateVerdict, type LookAt } from "./gate.ts";
import { commandIdOf, signedCommandId, type Job, type JobRow } from "./job.ts";
import { Pacer } from "./pacer.ts";
import type { JobRows } from "./job-rows.ts";
import { isActive, isOver, step } from "./step.ts";
import { Table } from "./table.ts";
import type { Counts } from "./tally.ts";

export interface RunOptions {
  readonly store: JobRows;
  readonly desk: Desk;
  /** What the ids of its commands are made with. */
  readonly nonce: string;
  readonly clock: Clock;
  readonly device: (id: DeviceId) => Device | undefined;
  /** A device's values, for a gate. */
  readonly lookAt: LookAt;
  /** Has the devices that were served go back, before the job is over. @returns what of it is to be told */
  readonly undo: (job: Job, devices: readonly DeviceId[]) => string;
  /** The job or one of its devices changed; `became` when it is the job's own state. */
  readonly changed: (became: boolean) => void;
}

/**
 * One job at work: what happens becomes an event, `step.ts` says what that makes of the job, and here it is written down and done.
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
  readonly #timers = new Map<number, () => void>();
  readonly #pacer: Pacer;
  /** Of a signed job's devices, made when the first of them is sent to. */
  #tree: TargetTree | undefined;
  readonly #gate: GateWatch | undefined;
  #verdict: GateVerdict | undefined;
  #cancelLook: (() => void) | undefined;

  constructor(job: Job, rows: readonly JobRow[], options: RunOptions) {
    this.#options = options;
    this.#job = job;
    this.#table = new Table(rows);
    this.#pacer = new Pacer(options.clock, job.rate);
    const intervalOf = (id: DeviceId): number | undefined => options.device(id)?.interval ?? undefined;
    this.#gate = job.gate === undefined ? undefined : new GateWatch(parseFilter(job.gate), options.lookAt, intervalOf);
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
    return isOver(this.#job, this.#table);
  }

  /** What the gate waits for, where it holds the job up. */
  get heldUp(): string | undefined {
    return this.#verdict?.kind === "waiting" ? this.#verdict.why : undefined;
  }

  /** Goes on where the rows say that it was. */
  start(): void {
    const { desk } = this.#options;
    for (const { device, command } of this.#table.sent)
      this.#take({
        kind: "found",
        device,
        command: command === null ? undefined : desk.find(device, command),
        now: this.#now(),
      });
    this.#take({ kind: "started", now: this.#now() });
    if (this.#gate) this.#lookLater();
  }

  stop(): void {
    this.#pacer.halt();
    this.#cancelLook?.();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /** It waits for a person, who knows whether it is still wanted. @param why as a sentence */
  hold(why: string): void {
    this.#take({ kind: "held", why, now: this.#now() });
  }

  /** @throws Error of the database when that cannot be written down: then it goes on. So do the two below. */
  pause(by: string): void {
    this.#take({ kind: "paused", by, now: this.#now() });
  }

  resume(): void {
    this.#take({ kind: "resumed", now: this.#now() });
  }

  /** Nothing more is sent, and what was sent is withdrawn. */
  cancel(by: string): void {
    this.#take({ kind: "cancelled", by, now: this.#now() });
  }

  commandChanged(command: Command): void {
    this.#take({ kind: "told", command, now: this.#now() });
  }

  /** It never gets the command, unless it has it already. */
  leave(device: DeviceId, why: string): void {
    this.#take({ kind: "removed", device, why, now: this.#now() });
  }

  deviceOnline(device: DeviceId): void {
    this.#take({ kind: "online", device, now: this.#now() });
  }

  #take(event: JobEvent): void {
    const next = step(this.#job, this.#table, event);
    this.#become(next);
    for (const effect of next.effects) this.#do(effect);
  }

  /** @throws Error of the database where it is demanded that it be written down: then nothing has changed */
  #become({ job, rows, demanded }: JobStep): void {
    const { store, changed } = this.#options;
    const became = job !== this.#job;
    if (became) {
      if (demanded) store.demandUpdate(job, rows);
      else store.update(job, rows);
      this.#job = job;
    } else if (demanded) for (const row of rows) store.demandDevice(job.id, row);
    for (const row of rows) {
      const before = this.#table.rows[row.position] ?? row;
      this.#table.change(row, row);
      if (became) continue;
      // Progress comes often and is not kept.
      const isKept = row.state !== before.state || row.taken !== before.taken;
      if (isKept && !demanded) store.updateDevice(job.id, row);
      changed(false);
    }
    if (became) changed(true);
  }

  #do(effect: Effect): void {
    const { desk, changed } = this.#options;
    switch (effect.kind) {
      case "plan":
        return this.#pacer.plan(() => this.#sendNext());
      case "halt":
        return this.#pacer.halt();
      case "look":
        return this.#look();
      case "over":
        return changed(true);
      case "submit":
        return this.#submit(effect);
      case "withdraw":
        return void desk.cancel(effect.device, effect.command, effect.by);
      case "time":
        return this.#time(effect);
      case "untime":
        this.#timers.get(effect.row.position)?.();
        this.#timers.delete(effect.row.position);
    }
  }

  #lookLater(): void {
    this.#cancelLook = this.#options.clock.after(gateLooks, () => {
      this.#look();
      if (isActive(this.#job)) this.#lookLater();
    });
  }

  #look(): void {
    const now = this.#now();
    const before = this.heldUp;
    // What a person has paused may be looked at by him first.
    const gate = this.#job.state === "running" ? this.#gate?.look(this.rows, now) : undefined;
    this.#verdict = gate;
    this.#take({ kind: "looked", now, gate: gate?.kind === "closed" ? this.#undone(gate) : gate });
    if (this.heldUp !== before && isActive(this.#job)) this.#options.changed(false);
  }

  #undone(gate: GateVerdict & { readonly kind: "closed" | "waiting" | "elsewhere" }): GateVerdict {
    const served = this.rows.filter(({ state }) => state === "succeeded").map(({ device }) => device);
    return { ...gate, why: `${gate.why}; ${this.#options.undo(this.#job, served)}` };
  }

  #sendNext(): void {
    const { nonce, device: known } = this.#options;
    const isOpen = this.#gate === undefined || this.#verdict?.kind === "open";
    const row = isOpen ? this.#table.next() : undefined;
    if (row) {
      const { device } = row;
      const { id, signature } = this.#job;
      const command = signature ? signedCommandId(id) : commandIdOf(id, nonce, device);
      try {
        this.#take({ kind: "due", device, command, online: known(device)?.online ?? false, now: this.#now() });
      } catch (thrown) {
        // The same device is next when the disk may take writes again.
        if (!isRefusedWrite(thrown)) throw thrown;
        this.#pacer.hold(retryAfter);
      }
    }
    this.#look();
  }

  /** @throws Error of the database: then it is not sent */
  #submit({ device, command }: { readonly device: DeviceId; readonly command: CommandId }): void {
    const { desk } = this.#options;
    const { id, key, args, by, ttl } = this.#job;
    const known = desk.find(device, command);
    if (known) return this.#take({ kind: "told", command: known, now: this.#now() });
    try {
      desk.submit(device, {
        id: command,
        key,
        args,
        by: `${by} (job ${id})`,
        from: "job",
        timeout: null,
        ttl,
        signature: this.#signatureFor(device),
      });
    } catch (thrown) {
      if (thrown instanceof CommandRefusedError)
        return this.#take({ kind: "refused", device, why: thrown.message, now: this.#now() });
      this.#take({ kind: "unsent", device, now: this.#now() });
      throw thrown;
    }
    this.#take({ kind: "again", device, now: this.#now() });
  }

  /** The job's, and that the device is in the list that was signed. */
  #signatureFor(device: DeviceId): Signature | undefined {
    const { signature, target } = this.#job;
    if (!signature) return undefined;
    this.#tree ??= new TargetTree("devices" in target ? target.devices : []);
    const job = this.#tree.placeOf(device);
    return job && { ...signature, job };
  }

  #time({ row: { device, position }, ms, event }: Extract<Effect, { kind: "time" }>): void {
    const { clock, desk } = this.#options;
    if (event === "overdue") {
      if (this.#timers.has(position)) return;
      const run = (): void => this.#take({ kind: "overdue", device, timely: desk.timely, now: this.#now() });
      return void this.#timers.set(position, clock.after(ms, run));
    }
    const run = (): void => {
      this.#timers.delete(position);
      this.#take({ kind: "again", device, now: this.#now() });
    };
    this.#timers.set(position, clock.after(ms, run));
  }

  #now(): number {
    return Math.round(this.#options.clock.now());
  }
}
