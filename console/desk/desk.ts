import type { Encoding } from "#shared/codec";
import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { newCommandId, type CommandId, type DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { isFinalReply, type Args, type Failure, type Reply } from "#shared/messages/command";
import { Signal } from "#shared/signal";
import type { Topics } from "#shared/topics";
import type { Device } from "../device.ts";
import type { Database } from "../store/database.ts";
import { AnswerTimesLearner, type AnswerTimes } from "./answer-times.ts";
import { changed, isOpen, type Command, type CommandState, type Event } from "./command.ts";
import { CommandRefusedError, type RefusedCommand } from "./errors.ts";
import { checkOffered } from "./offers.ts";
import { afterwards, endedBy, lateWith, progressedBy } from "./replies.ts";
import { CommandRows, type CommandQuery } from "./rows.ts";
import { Tasks } from "./tasks.ts";
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
  readonly #tasks: Tasks;
  readonly #open = new Map<CommandId, Command>();
  /** When each command was sent, on the monotonic clock: durations must not follow a wall clock that steps. */
  readonly #sent = new Map<CommandId, number>();
  readonly #answerTimes: AnswerTimesLearner;
  readonly #expiries = new Map<CommandId, () => void>();
  /** What is over but waits for a broker; and since when there is one, on the monotonic clock. */
  readonly #overdue = new Set<CommandId>();
  #upSince: number | undefined;
  /** Every command that is taken or changes. */
  readonly changes = new Signal<Command>();

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#rows = new CommandRows(options.database);
    this.#waiters = new Waiters(options.clock);
    this.#tasks = new Tasks(options);
    this.#answerTimes = new AnswerTimesLearner(this.#rows);
  }

  start(): void {
    this.#rows.trim();
    for (const command of this.#rows.open()) this.#adopt(command);
    this.#options.bus.onConnection(({ up }) => {
      this.#upSince = up ? this.#options.clock.monotonic() : undefined;
      if (!up) return;
      for (const command of this.#open.values()) this.#publishTask(command);
      const overdue = [...this.#overdue];
      this.#overdue.clear();
      for (const id of overdue) this.#schedule(id);
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

  /** How long this device's answers to this key usually take. */
  answerTimes(device: DeviceId, key: string): AnswerTimes | undefined {
    return this.#answerTimes.of(device, key);
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
      online: device.online,
      encoding: order.encoding ?? "json",
    };
    this.#rows.insert(command);
    this.#sent.set(command.id, this.#options.clock.monotonic());
    this.#adopt(command);
    this.#publishTask(command);
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
    return this.#end(
      command,
      "cancelled",
      { code: "cancelled", message: `withdrawn by ${by}` },
      "operator",
      `withdrawn by ${by}`,
    );
  }

  /** Takes a reply from the device. A final one closes the command; one that is late is kept beside it. */
  reply(device: DeviceId, id: CommandId, reply: Reply): void {
    const command = this.find(id);
    if (!command || command.device !== device) {
      // Nothing is known of it any more, yet the agent repeats the reply until it sees the withdrawal.
      if (isFinalReply(reply)) this.#tasks.withdraw(device, id);
      return;
    }
    const now = Math.round(this.#options.clock.now());
    if (!isOpen(command)) return this.#closedNews(command, reply, now);
    if (isFinalReply(reply)) this.#close(endedBy(command, reply, now, this.#took(command)));
    else this.#update(progressedBy(command, reply, now));
  }

  /** Withdraws a task whose command is closed or unknown: what a broker kept for too long. */
  withdraw(device: DeviceId, id: CommandId): void {
    this.#tasks.withdraw(device, id);
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
    this.#schedule(command.id);
  }

  /** Sets the timer by which an open command ends without a word of its device. */
  #schedule(id: CommandId): void {
    const command = this.#open.get(id);
    if (!command) return;
    if (command.expires !== null)
      return this.#endAt(command.id, command.expires, () => this.#lastCall(command.id, () => this.#expire(command.id)));
    if (command.timeout === null) return;
    // Its caller's own timer comes first; this one is for a caller that went away with an earlier run of the console.
    const over = command.ts + command.timeout + callGrace;
    this.#endAt(command.id, over, () => this.#lastCall(command.id, () => this.#gaveUp(command.id)));
  }

  #endAt(id: CommandId, moment: number, end: () => void): void {
    this.#expiries.set(id, this.#options.clock.after(Math.max(0, moment - this.#options.clock.now()), end));
  }

  /**
   * Its time is over, but the device's word may be on the way: "begun" from one that is online, or a final reply that is repeated
   * to a console that has only just come to hear. Closed now, the withdrawal would be taken for the receipt of a reply that was
   * never heard. So a moment is left, counted from when the broker was there; and without a broker the end waits.
   */
  #lastCall(id: CommandId, end: () => void): void {
    const command = this.#open.get(id);
    if (!command) return;
    if (this.#upSince === undefined) return void this.#overdue.add(id);
    const heardFor = this.#options.clock.monotonic() - this.#upSince;
    const wait = Math.max(settling - heardFor, this.#options.device(command.device)?.online ? expiryGrace : 0);
    if (wait > 0) this.#endAt(id, this.#options.clock.now() + wait, end);
    else end();
  }

  #expire(id: CommandId): void {
    const command = this.#open.get(id);
    // `expires` is about beginning: what runs may end.
    if (!command || command.state === "running") return;
    const message = `${command.device} did not begin it in time`;
    this.#end(command, "expired", { code: "expired", message }, "console", `expired: ${message}`);
  }

  /** The caller's time is over: a call is closed by it, a queued task goes on. */
  #gaveUp(id: CommandId): Command {
    const command = this.#open.get(id);
    if (!command) return this.#rows.find(id)!;
    if (command.expires !== null) return command;
    const message = `no final reply within ${command.timeout} ms`;
    return this.#end(command, "timed_out", { code: "timeout", message }, "console", `${message}: withdrawn`);
  }

  /** A reply to a closed command changes nothing for its caller; what it tells is kept, and a final one is withdrawn again. */
  #closedNews(command: Command, reply: Reply, now: number): void {
    const final = isFinalReply(reply);
    if (final) this.#tasks.withdraw(command.device, command.id);
    const news = final ? lateWith(command, reply, now, this.#took(command)) : afterwards(command, reply, now);
    if (news) this.#update(news);
  }

  /** Milliseconds since it was sent, and learned from; undefined where an earlier run of the console sent it. */
  #took(command: Command): number | undefined {
    const sent = this.#sent.get(command.id);
    this.#sent.delete(command.id);
    if (sent === undefined || !command.online) return undefined;
    const took = Math.round((this.#options.clock.monotonic() - sent) * 100) / 100;
    this.#answerTimes.learn(command, took);
    return took;
  }

  /** Closed by the console or a person: without a final reply of the device. */
  #end(command: Command, state: CommandState, error: Failure, who: Event["who"], what: string): Command {
    const ts = Math.round(this.#options.clock.now());
    return this.#close(changed(command, { state, error, ended: ts }, { ts, who, what }));
  }

  #close(closed: Command): Command {
    this.#open.delete(closed.id);
    this.#expiries.get(closed.id)?.();
    this.#expiries.delete(closed.id);
    this.#update(closed);
    this.#tasks.withdraw(closed.device, closed.id);
    this.#waiters.settle(closed);
    return closed;
  }

  #update(command: Command): void {
    if (isOpen(command)) this.#open.set(command.id, command);
    this.#rows.update(command);
    this.changes.emit(command);
  }

  #publishTask(command: Command): void {
    this.#tasks.publish(command, () => {
      const open = this.#open.get(command.id);
      const event: Event = { ts: Math.round(this.#options.clock.now()), who: "broker", what: "task retained" };
      // Kept with the next change: a row of its own would cost more than it tells.
      if (open) this.#open.set(command.id, changed(open, {}, event));
    });
  }
}

/** Milliseconds after the broker came up in which devices repeat what was not heard: the answer to their birth makes them. */
const settling = 1_500;

/** Milliseconds in which "begun" arrives from a device that is online: it is sent 200 ms after the beginning. */
const expiryGrace = 1_000;

/** Milliseconds that a call outlives its caller's timer at most, should the caller be gone. */
const callGrace = 1_000;
