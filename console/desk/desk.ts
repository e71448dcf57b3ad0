import { encode, type Encoding } from "#shared/codec";
import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { DisconnectedError, asError } from "#shared/errors";
import { newCommandId, type CommandId, type DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { isFinalReply, type Args, type FinalReply, type Reply, type Task } from "#shared/messages/command";
import { Signal } from "#shared/signal";
import type { Topics } from "#shared/topics";
import type { Device } from "../registry.ts";
import type { Database } from "../store/database.ts";
import { changed, isOpen, type Command, type CommandState, type Event } from "./command.ts";
import { CommandRefusedError, type RefusedCommand } from "./errors.ts";
import { checkOffered } from "./offers.ts";
import { CommandRows, type CommandQuery } from "./rows.ts";
import { Waiters } from "./waiters.ts";

export interface DeskOptions {
  readonly database: Database;
  readonly bus: Bus;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly log: Log;
  /** The device as the registry knows it; undefined for an unknown one. */
  readonly device: (id: DeviceId) => Device | undefined;
}

export interface Order {
  readonly key: string;
  readonly args?: Args | undefined;
  /** Who sends it. */
  readonly by: string;
  /** An id of the sender's own; a new one otherwise. */
  readonly id?: CommandId | undefined;
  /** Milliseconds the caller waits; null when nobody does. */
  readonly timeout: number | null;
  /** Milliseconds it may wait for the device; without it the command is a call, and ends with its caller's patience. */
  readonly ttl?: number | undefined;
  readonly encoding?: Encoding | undefined;
}

/** Characters of a command's output kept: its end. */
const outputKept = 65_536;

/**
 * Takes, checks, publishes, awaits and closes commands.
 *
 * queued ──► accepted ──► running ──► succeeded | failed | rejected | interrupted
 *    └────────────┴───────────┴─────► expired | cancelled | timed_out
 *
 * The row is written first, then the retained task published, which is only its image: whenever the broker comes (back)
 * up, the image of every open command is published again. A command becomes final once, here; then its task is withdrawn
 * by an empty retained payload, which tells the agent that its reply has arrived. Every further final reply to
 * a closed command is answered by withdrawing again.
 */
export class Desk {
  readonly #options: DeskOptions;
  readonly #rows: CommandRows;
  readonly #waiters: Waiters;
  readonly #open = new Map<CommandId, Command>();
  readonly #expiries = new Map<CommandId, () => void>();
  /** Every command that is taken or changes. */
  readonly changes = new Signal<Command>();

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#rows = new CommandRows(options.database);
    this.#waiters = new Waiters(options.clock);
  }

  start(): void {
    this.#rows.trim();
    for (const command of this.#rows.open()) this.#adopt(command);
    this.#options.bus.onConnection(({ up }) => {
      if (up) for (const command of this.#open.values()) this.#publishTask(command);
    });
  }

  stop(): void {
    this.#waiters.close(new Error("the console is stopping; the command goes on without its caller"));
    for (const cancel of this.#expiries.values()) cancel();
    this.#expiries.clear();
  }

  find(id: CommandId): Command | undefined {
    return this.#open.get(id) ?? this.#rows.find(id);
  }

  list(query: CommandQuery): readonly Command[] {
    return this.#rows.list(query);
  }

  /**
   * Checks an order, writes its row and publishes its task.
   * @throws CommandRefusedError when the device is unknown, offline (and no ttl given), or does not offer it
   */
  submit(deviceId: DeviceId, order: Order): Command {
    const device = this.#check(deviceId, order);
    const ts = Math.round(this.#options.clock.now());
    const command: Command = {
      id: order.id ?? newCommandId(ts),
      device: deviceId,
      key: order.key,
      args: order.args ?? {},
      by: order.by,
      ts,
      timeout: order.timeout,
      expires: order.ttl === undefined ? null : ts + order.ttl,
      state: "queued",
      timeline: [{ ts, who: "console", what: `taken from ${order.by}` }],
      encoding: order.encoding ?? "json",
    };
    this.#rows.insert(command);
    this.#adopt(command);
    this.#publishTask(command, device);
    return command;
  }

  /**
   * Awaits the command's end.
   * @param timeout milliseconds
   * @throws CommandTimeoutError, CommandFailedError with the document in `details.command`
   */
  async wait(command: Command, timeout: number): Promise<Command> {
    const waiting = this.#waiters.wait(command.id, timeout, () => this.#gaveUp(command.id));
    const now = this.find(command.id);
    if (now) this.#waiters.settle(now);
    return waiting;
  }

  /** Withdraws an open command on a person's word. @returns the command as it then stands; undefined for an unknown id */
  cancel(id: CommandId, by: string): Command | undefined {
    const command = this.#open.get(id);
    if (!command) return this.#rows.find(id);
    return this.#close(
      command,
      "cancelled",
      { error: { code: "cancelled", message: `withdrawn by ${by}` } },
      this.#event("operator", `withdrawn by ${by}`),
    );
  }

  /** Takes a reply from the device. A final one closes the command; one that is late is kept beside it. */
  reply(device: DeviceId, id: CommandId, reply: Reply): void {
    const command = this.find(id);
    if (!command || command.device !== device) {
      // Nothing is known of it any more, yet the agent repeats the reply until it sees the withdrawal.
      if (isFinalReply(reply)) this.#withdraw(device, id);
      return;
    }
    if (!isOpen(command)) return isFinalReply(reply) ? this.#late(command, reply) : undefined;
    if (isFinalReply(reply)) this.#ended(command, reply);
    else this.#progressed(command, reply);
  }

  /** Withdraws a task whose command is closed or unknown: what a broker kept for too long. */
  withdraw(device: DeviceId, id: CommandId): void {
    this.#withdraw(device, id);
  }

  #check(id: DeviceId, order: Order): Device {
    const refused: RefusedCommand = { device: id, key: order.key, args: order.args };
    const device = this.#options.device(id);
    if (!device) throw new CommandRefusedError("unknown-device", `there is no device "${id}"`, refused);
    if (device.commands) checkOffered(id, device.commands, refused);
    if (device.online || order.ttl !== undefined) return device;
    const why = `${id} is offline (${device.reason ?? "never heard"}): give a ttl to have the command wait for it`;
    throw new CommandRefusedError("offline", why, refused);
  }

  #adopt(command: Command): void {
    this.#open.set(command.id, command);
    this.changes.emit(command);
    if (command.expires === null) {
      // A call whose caller went away with an earlier run of the console.
      if (command.timeout !== null && command.ts + command.timeout <= this.#options.clock.now())
        this.#gaveUp(command.id);
      else if (command.timeout !== null)
        this.#endAt(command.id, command.ts + command.timeout + callGrace, () => this.#gaveUp(command.id));
      return;
    }
    this.#endAt(command.id, command.expires, () => this.#expire(command.id));
  }

  #endAt(id: CommandId, moment: number, end: () => void): void {
    this.#expiries.set(id, this.#options.clock.after(Math.max(0, moment - this.#options.clock.now()), end));
  }

  #expire(id: CommandId): void {
    const command = this.#open.get(id);
    // `expires` is about beginning: what runs may end.
    if (!command || command.state === "running") return;
    const error = { code: "expired", message: `${command.device} did not begin it in time` };
    this.#close(command, "expired", { error }, this.#event("console", "expired: the device did not begin it in time"));
  }

  /** The caller's time is over: a call is closed by it, a queued task goes on. */
  #gaveUp(id: CommandId): Command {
    const command = this.#open.get(id);
    if (!command) return this.#rows.find(id)!;
    if (command.expires !== null) return command;
    const error = { code: "timeout", message: `no final reply within ${command.timeout} ms` };
    return this.#close(
      command,
      "timed_out",
      { error },
      this.#event("console", `no final reply within ${command.timeout} ms: withdrawn`),
    );
  }

  #ended(command: Command, reply: FinalReply): void {
    const { state } = reply;
    const outcome =
      state === "succeeded" ? ("result" in reply ? { result: reply.result } : {}) : { error: reply.error };
    const took = reply.ms === undefined ? "" : ` after ${reply.ms} ms`;
    this.#close(command, state, outcome as Partial<Command>, this.#event("device", `${state}${took}`));
  }

  #progressed(command: Command, reply: Exclude<Reply, FinalReply>): void {
    const { state } = reply;
    const changes: { -readonly [K in keyof Command]?: Command[K] } = { state };
    if (reply.note !== undefined) changes.note = reply.note;
    if (reply.state === "running") {
      if (reply.progress !== undefined) changes.progress = reply.progress;
      if (reply.output !== undefined) changes.output = ((command.output ?? "") + reply.output).slice(-outputKept);
    }
    const events = state === command.state ? [] : [this.#event("device", state)];
    this.#update(changed(command, changes, ...events));
  }

  #late(command: Command, reply: FinalReply): void {
    this.#withdraw(command.device, command.id);
    // The agent repeats a reply until it sees the withdrawal: the answer that closed the command, or one already kept.
    const told = reply.state === command.state || command.late?.some(({ state }) => state === reply.state);
    if (told) return;
    const ts = Math.round(this.#options.clock.now());
    const outcome = reply.state === "succeeded" ? { result: reply.result } : { error: reply.error };
    const late = { ts, lateBy: ts - (command.ended ?? ts), state: reply.state, ...outcome } as NonNullable<
      Command["late"]
    >[number];
    this.#update(
      changed(
        command,
        { late: [...(command.late ?? []), late] },
        this.#event("device", `${reply.state}, ${late.lateBy} ms late`),
      ),
    );
  }

  #close(command: Command, state: CommandState, outcome: Partial<Command>, event: Event): Command {
    const closed = changed(command, { ...outcome, state, ended: event.ts }, event);
    this.#open.delete(command.id);
    this.#expiries.get(command.id)?.();
    this.#expiries.delete(command.id);
    this.#update(closed);
    this.#withdraw(command.device, command.id);
    this.#waiters.settle(closed);
    return closed;
  }

  #update(command: Command): void {
    if (isOpen(command)) this.#open.set(command.id, command);
    this.#rows.update(command);
    this.changes.emit(command);
  }

  #publishTask(command: Command, device = this.#options.device(command.device)): void {
    const { id, key, args, by, ts, timeout, expires, encoding } = command;
    const task: Task = {
      id,
      key,
      ...(Object.keys(args).length > 0 ? { args } : {}),
      by,
      ts,
      ...(timeout === null ? {} : { timeout }),
      ...(expires === null ? {} : { expires }),
    };
    this.#options.log.debug({ id, device: device?.id, key }, "task published");
    this.#publish(command.device, id, encode(task, encoding));
  }

  #withdraw(device: DeviceId, id: CommandId): void {
    this.#publish(device, id, Buffer.alloc(0));
  }

  #publish(device: DeviceId, id: CommandId, payload: Buffer): void {
    const topic = this.#options.topics.build({ kind: "task", device, id });
    this.#options.bus.publish(topic, payload, { retain: true }).catch((error: unknown) => {
      // The image of every open command is published again when the broker is back; a withdrawal, when the reply repeats.
      if (!(error instanceof DisconnectedError))
        this.#options.log.error({ err: asError(error), topic }, "a task could not be published");
    });
  }

  #event(who: Event["who"], what: string): Event {
    return { ts: Math.round(this.#options.clock.now()), who, what };
  }
}

/** Milliseconds that a call outlives its caller's timer at most, should the caller be gone. */
const callGrace = 1_000;
