import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { CommandId, DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Reply } from "#shared/messages/command-messages";
import { Signal } from "#shared/signal";
import type { Topics } from "#shared/topics";
import type { Device } from "../devices/device.ts";
import type { Database } from "../database/database.ts";
import { persistOf, type Persist } from "../database/persist.ts";
import { AnswerTimesLearner, type AnswerTimes } from "./answer-times.ts";
import { unaudited, type CommandAudit } from "./unaudited.ts";
import { CommandBook } from "./command-book.ts";
import { nameOf, type CommandName } from "./command-name.ts";
import type { Command } from "./command.ts";
import { endingOf, type Deadline } from "./deadline.ts";
import { Deadlines } from "./deadlines.ts";
import { DeviceReplies, type Withheld } from "./device-replies.ts";
import { inDoubt } from "./doubts.ts";
import { endedWith, leftBehind, neverSent, removedWith, withdrawnBy, type Ending } from "./endings.ts";
import { checkOrder, checkSize, commandOf, type Order } from "./order.ts";
import { CommandRows, type CommandQuery } from "./command-rows.ts";
import { SentTimes } from "./sent-times.ts";
import { Showing, type TellOpen } from "./showing.ts";
import { Tasks } from "./tasks.ts";

export interface DeskOptions {
  /** Takes what a listener to changes throws. */
  readonly failed?: (thrown: unknown) => void;
  readonly database: Database;
  readonly bus: Bus;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the present moment is known well enough to end a command by it; always unless given. */
  readonly timely?: () => boolean;
  /** Whether the present moment is one of a clock that nobody knows to be right; never unless given. */
  readonly unsure?: () => boolean;
  /** Whether the console's state may be an older copy; not unless given. */
  readonly mayBeRestored?: () => boolean;
  /** The device as the registry knows it; undefined for an unknown one. */
  readonly device: (id: DeviceId) => Device | undefined;
  /** How commands are written down; not unless given. */
  readonly audit?: CommandAudit;
}

/**
 * Takes, checks, publishes, awaits and closes commands.
 *
 * queued ──► accepted ──► running ──► succeeded | failed | rejected | interrupted
 *    └────────────┴───────────┴─────► expired | cancelled | timed_out
 *
 * The row is on the disk first, then the retained task published, which is only its image: whenever the broker comes (back)
 * up, the image of every open command is published again. A command becomes final once, here; when that is on the disk, its
 * callers are told, and its task is withdrawn by an empty retained payload, which tells the agent that its reply has arrived. Every further
 * final reply to a closed command is answered by withdrawing again.
 */
export class Desk {
  readonly #options: DeskOptions;
  readonly #rows: CommandRows;
  readonly #audit: CommandAudit;
  readonly #persist: Persist;
  /** Taken, and not on the disk yet: shown to nobody. */
  readonly #fresh = new Map<string, Promise<boolean>>();
  /** Closed, and that is not on the disk yet: not withdrawn, and told to nobody. */
  readonly #ending = new Set<string>();
  readonly #tasks: Tasks;
  /** Ended, and that is on the disk: their tasks are withdrawn at the end of this turn of the event loop. */
  readonly #withdrawing: CommandName[] = [];
  #withdrawal: NodeJS.Immediate | undefined;
  readonly #book: CommandBook;
  readonly #sent: SentTimes;
  readonly #answerTimes: AnswerTimesLearner;
  readonly #replies: DeviceReplies;
  readonly #deadlines: Deadlines;
  readonly #showing: Showing;
  #endWatching: () => void = () => {};
  /** Every command that is taken or changes. */
  readonly changes: Signal<Command>;
  /** Every command that has ended, once that is on the disk. */
  readonly ended: Signal<Command>;
  /** Results that no command keeps: {@link withheldKeys}. Told before the command ends. */
  readonly withheld: Signal<Withheld>;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.changes = new Signal(options.failed);
    this.ended = new Signal(options.failed);
    this.withheld = new Signal(options.failed);
    this.#rows = new CommandRows(options.database, options.clock);
    const persist = (this.#persist = persistOf(options.database));
    const audit = (this.#audit = options.audit ?? unaudited);
    this.#book = new CommandBook({ rows: this.#rows, persist, clock: options.clock, changes: this.changes, audit });
    this.#tasks = new Tasks(options);
    this.#deadlines = new Deadlines({
      clock: options.clock,
      timely: () => this.timely,
      open: (name) => this.#book.openOne(name),
      find: (name) => this.#book.find(name),
      isOnline: (id) => options.device(id)?.online ?? false,
      over: (command, which) => this.#over(command, which),
      kept: (command) => this.kept(command),
    });
    this.#showing = new Showing({
      ...options,
      book: this.#book,
      persist,
      tasks: this.#tasks,
      timely: () => this.timely,
      mayBeRestored: options.mayBeRestored ?? (() => false),
      isFresh: (name) => this.#fresh.has(nameOf(name)),
      asked: (name) => this.#deadlines.asked(name),
    });
    this.#sent = new SentTimes(options.clock);
    const answerTimes = (this.#answerTimes = new AnswerTimesLearner(this.#rows));
    this.#replies = new DeviceReplies({
      clock: options.clock,
      book: this.#book,
      tasks: this.#tasks,
      persist,
      sent: this.#sent,
      answerTimes,
      isEnding: (name) => this.#ending.has(nameOf(name)),
      heard: (command) => this.#showing.heard(command),
      close: (closed) => void this.#close(closed),
      withheld: (withheld) => this.withheld.emit(withheld),
    });
  }

  /** @param doubt why what waits is in doubt from the beginning, as a sentence */
  start(doubt?: string): void {
    this.#rows.trim();
    this.#sent.start();
    for (const command of this.#rows.open()) this.#adopt(command);
    if (doubt !== undefined) this.doubt(doubt);
    for (const command of this.#book.open) if (command.unsure) this.#putRight(command);
    this.#tasks.start();
    this.#endWatching = this.#options.bus.onConnection(({ up }) => {
      this.#showing.connection(up);
      this.#deadlines.connection(up);
    });
  }

  /** Whether the present moment is known well enough to end something by it. */
  get timely(): boolean {
    return this.#options.timely?.() ?? true;
  }

  /** Whether the present moment may be any distance from the true one. */
  get isUnsure(): boolean {
    return this.#options.unsure?.() ?? false;
  }

  /** To be called when the clock is believed again, or no more: when open commands end is reckoned anew. */
  clockChanged(): void {
    const isSure = !this.isUnsure;
    for (const command of this.#book.open)
      if (command.unsure && isSure) this.#putRight(command);
      else this.#deadlines.reckon(command);
  }

  /** The devices that have something open. */
  awaited(): ReadonlySet<DeviceId> {
    return new Set([...this.#book.open].map(({ device }) => device));
  }

  /**
   * Its times are of a clock that was in doubt, and moved by what that was wrong by: it keeps the time that it was given. Of an earlier run's
   * nobody knows how much of that had gone by when this one began.
   */
  #putRight(command: Command): void {
    const ts = Math.round(this.#options.clock.now() - this.#sent.age(command));
    const { unsure: _, ...sure } = command;
    const expires = command.expires === null ? null : command.expires + ts - command.ts;
    const right: Command = { ...(this.isUnsure ? command : sure), ts, expires };
    this.#book.rewrite(right);
    this.#deadlines.reckon(right);
    // Its image says now when it is over.
    if (!right.unsure) this.#showing.publish(right);
  }

  /**
   * What waits from before this run is not begun any more: its device is asked what became of it when that is there, and where nobody knows
   * it ends as interrupted. @param why as a sentence
   */
  doubt(why: string): void {
    const now = Math.round(this.#options.clock.now());
    for (const command of this.#book.open) {
      const isOwn = this.#sent.has(command);
      if (isOwn || command.state === "running" || command.doubted !== undefined) continue;
      this.#showing.hold(command);
      this.#book.update(inDoubt(command, why, now));
    }
  }

  stop(): void {
    this.#endWatching();
    this.#withdrawNow();
    this.#tasks.stop();
    this.#deadlines.stop(new Error("the console is stopping; the command goes on without its caller"));
    this.#showing.stop();
    this.#book.stop();
  }

  find(device: DeviceId, id: CommandId): Command | undefined {
    return this.#book.find({ device, id });
  }

  /** The commands with this id, on whatever devices; more than one only where people chose the id. */
  withId(id: CommandId): readonly Command[] {
    return this.#book.withId(id);
  }

  /** Whether the device has said a word about any command that is remembered. */
  hasAnswered(device: DeviceId): boolean {
    return this.#rows.hasAnswered(device);
  }

  /** How long this device's answers to this key usually take. */
  answerTimes(device: DeviceId, key: string): AnswerTimes | undefined {
    return this.#answerTimes.of(device, key);
  }

  list(query: CommandQuery & { readonly limit?: number | undefined }): readonly Command[] {
    return this.#rows.list(query);
  }

  /** The same one by one, to be gone through in several turns of the event loop. */
  walk(query: CommandQuery): Iterable<Command> {
    return this.#rows.walk(query);
  }

  /**
   * Checks an order and writes its row. Its task is published once that is on the disk: {@link kept}.
   * @throws Error of the database when the row cannot be written
   * @throws CommandRefusedError when the device is unknown, offline (and no ttl given), or does not offer it; when the id is taken, or too much is open
   */
  submit(deviceId: DeviceId, order: Order): Command {
    const device = checkOrder(deviceId, order, {
      device: this.#options.device(deviceId),
      isTaken: order.id !== undefined && this.find(deviceId, order.id) !== undefined,
      open: this.#book.counts(deviceId),
      unsure: this.isUnsure,
    });
    const command = commandOf(device, order, Math.round(this.#options.clock.now()), this.isUnsure);
    checkSize(command, this.#tasks.image(command).length);
    this.#audit.sent(command, order.from, () => this.#rows.insert(command));
    this.#sent.sent(command);
    this.#adopt(command);
    this.#fresh.set(nameOf(command), this.#begin(command));
    return command;
  }

  /**
   * Whether the command as it now stands is on the disk, and may be told: resolves once it is, or with false as soon as the disk refuses.
   */
  kept(command: CommandName): Promise<boolean> {
    const name = nameOf(command);
    const fresh = this.#fresh.get(name);
    if (fresh) return fresh;
    return this.#ending.has(name) ? this.#persist.tried() : Promise.resolve(true);
  }

  /**
   * Awaits the command's end.
   * @param timeout milliseconds
   * @throws CommandTimeoutError, CommandFailedError with the document in `details.command`
   */
  async wait(command: Command, timeout: number): Promise<Command> {
    const waiting = this.#deadlines.wait(command, timeout);
    const now = this.#book.find(command);
    if (now && !this.#ending.has(nameOf(now))) this.#deadlines.settle(now);
    return waiting;
  }

  /** Withdraws an open command on a person's word. @returns the command as it then stands; undefined for one that is not known */
  cancel(device: DeviceId, id: CommandId, by: string): Command | undefined {
    const command = this.#book.openOne({ device, id });
    return command ? this.#end(command, withdrawnBy(by)) : this.find(device, id);
  }

  /** The same for somebody who is told when it cannot be done. @throws Error of the database when the row cannot be written: nothing has changed */
  demandCancel(device: DeviceId, id: CommandId, by: string): Command | undefined {
    const command = this.#book.openOne({ device, id });
    if (!command) return this.find(device, id);
    const closed = this.#ended(command, withdrawnBy(by));
    this.#book.close(closed);
    return this.#conclude(closed);
  }

  /** Withdraws everything that is open for a device that is no more. @param why as a sentence @returns how many they were */
  endAll(device: DeviceId, why: string): number {
    const open = [...this.#book.open].filter((command) => command.device === device);
    for (const command of open) this.#end(command, removedWith(why));
    return open.length;
  }

  /**
   * Another machine is the device from now on, or the same one that has forgotten all. What the one of before has had is not begun a second time;
   * what waits goes to the new one.
   */
  endBegun(device: DeviceId): void {
    const open = [...this.#book.open].filter((command) => command.device === device);
    for (const command of open)
      if (command.state !== "queued" || command.online) this.#end(command, leftBehind(command));
  }

  /** Takes a reply from the device. A final one closes the command; one that is late is kept beside it. */
  reply(device: DeviceId, id: CommandId, reply: Reply): void {
    this.#replies.take(device, id, reply);
  }

  /** A device is there with a new connection: {@link Showing.show}. */
  show(device: DeviceId, session: string, told: TellOpen): void {
    this.#showing.show(device, session, told);
  }

  /** Withdraws a task whose command is closed or unknown: what a broker kept for too long. */
  withdraw(device: DeviceId, id: CommandId): void {
    this.#replies.withdraw({ device, id });
  }

  /** Whether a withdrawal that was heard just now is one of our own, come back from the broker. Asked once for each. */
  isOwnWithdrawal(device: DeviceId, id: CommandId): boolean {
    return this.#tasks.isEcho({ device, id });
  }

  /** Whether `payload` is the command's own image, as the desk publishes it. */
  isImage(command: Command, payload: Buffer): boolean {
    return this.#tasks.image(command).equals(payload);
  }

  /** Publishes an open command's image again, over what somebody else has put in its place. */
  restore(command: Command): void {
    this.#showing.publish(command);
  }

  #adopt(command: Command): void {
    this.#book.adopt(command);
    this.#deadlines.begin(command);
  }

  #over(command: Command, which: Deadline): Command {
    const ending = endingOf(command, which, this.#sent.has(command));
    return ending ? this.#end(command, ending) : command;
  }

  /** Closed by the console: without a final reply of the device. */
  #end(command: Command, ending: Ending): Command {
    return this.#close(this.#ended(command, ending));
  }

  #ended(command: Command, ending: Ending): Command {
    return endedWith(command, ending, Math.round(this.#options.clock.now()));
  }

  #close(closed: Command): Command {
    this.#book.update(closed);
    return this.#conclude(closed);
  }

  /** Its end is in memory, and on its way to the disk; when it is there, the task is withdrawn and whoever waits is told. */
  #conclude(closed: Command): Command {
    const name = nameOf(closed);
    this.#deadlines.end(closed);
    this.#showing.end(closed);
    this.#ending.add(name);
    void this.#persist.durable().then(() => {
      this.#ending.delete(name);
      this.#deadlines.settle(closed);
      this.ended.emit(closed);
      this.#withdrawSoon(closed);
    });
    return closed;
  }

  /** After who waits was told: to wake the device costs as much as all the rest. Should it get lost here, the repeated reply brings it again. */
  #withdrawSoon(closed: CommandName): void {
    this.#withdrawing.push(closed);
    this.#withdrawal ??= setImmediate(() => this.#withdrawNow());
  }

  #withdrawNow(): void {
    clearImmediate(this.#withdrawal);
    this.#withdrawal = undefined;
    for (const name of this.#withdrawing.splice(0)) this.#tasks.withdraw(name);
  }

  /** The row of a new command reaches the disk, then its task the broker, unless it was closed meanwhile. */
  async #begin(command: Command): Promise<boolean> {
    const name = nameOf(command);
    let refused: unknown;
    await this.#persist.synced().catch((thrown: unknown) => (refused = thrown));
    this.#fresh.delete(name);
    const open = this.#book.openOne(command);
    if (open && refused === undefined) this.#showing.publish(open);
    if (refused === undefined) return true;
    // Nobody else has heard of it, so its caller need not wait for the disk.
    if (open) this.#deadlines.settle(this.#end(open, neverSent(asError(refused))));
    return false;
  }
}
