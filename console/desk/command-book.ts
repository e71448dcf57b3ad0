import type { Clock } from "#shared/clock";
import type { CommandId, DeviceId } from "#shared/ids";
import type { Signal } from "#shared/signal";
import type { CommandAudit } from "./unaudited.ts";
import { isOpen, type Command } from "./command.ts";
import type { Persist } from "../database/persist.ts";
import { nameOf, rowName, type CommandName } from "./command-name.ts";
import type { CommandRows } from "./command-rows.ts";

export interface CommandBookOptions {
  readonly rows: CommandRows;
  readonly persist: Persist;
  readonly clock: Clock;
  readonly changes: Signal<Command>;
  readonly audit: Pick<CommandAudit, "ended">;
}

/**
 * Milliseconds between two writings of one command whose state stays what it is: an agent sends five such replies a second at
 * most, and one that sends thousands costs no more than it.
 */
export const quietUpdate = 200;
/** Changes of state that are written at once. A command has three or four; one that goes back and forth is only busy. */
export const promptChanges = 8;

/** A command of which something was written just now, and what is not written yet. */
interface Busy {
  waiting: Command | undefined;
  readonly cancel: () => void;
}

/**
 * Every command as it now stands: the open ones in memory, all of them in rows. A change of state is written and told at once;
 * progress, notes and output are written and told at a bounded rate, always the newest. While the disk refuses, what is in memory is ahead
 * of the rows.
 */
export class CommandBook {
  readonly #options: CommandBookOptions;
  readonly #open = new Map<string, Command>();
  /** By name, of each device. */
  readonly #ofDevice = new Map<DeviceId, Set<string>>();
  readonly #busy = new Map<string, Busy>();
  /** Closed ones whose rows the disk has not taken yet. */
  readonly #unwritten = new Map<string, Command>();
  /** Those of them whose end is not written down yet. */
  readonly #unaudited = new Set<string>();

  constructor(options: CommandBookOptions) {
    this.#options = options;
  }

  get open(): Iterable<Command> {
    return this.#open.values();
  }

  /** How many are open: all, and of one device. */
  counts(device: DeviceId): { readonly all: number; readonly own: number } {
    return { all: this.#open.size, own: this.#ofDevice.get(device)?.size ?? 0 };
  }

  /** The open commands of one device, in the order of their creation. */
  openOf(device: DeviceId): readonly Command[] {
    const open: Command[] = [];
    for (const name of this.#ofDevice.get(device) ?? []) {
      const command = this.#open.get(name);
      if (command) open.push(command);
    }
    return open;
  }

  openOne(name: CommandName): Command | undefined {
    return this.#open.get(nameOf(name));
  }

  find(name: CommandName): Command | undefined {
    const key = nameOf(name);
    return (
      this.#open.get(key) ?? this.#busy.get(key)?.waiting ?? this.#unwritten.get(key) ?? this.#options.rows.find(name)
    );
  }

  /** The commands that have this id, on whatever devices: for people, who name a command by its id alone. */
  withId(id: CommandId): readonly Command[] {
    return this.#options.rows.withId(id).map((command) => this.find(command) ?? command);
  }

  /** Keeps an open command in mind. */
  adopt(command: Command): void {
    const key = nameOf(command);
    const own = this.#ofDevice.get(command.device);
    if (own) own.add(key);
    else this.#ofDevice.set(command.device, new Set([key]));
    this.#open.set(key, command);
    this.#options.changes.emit(command);
  }

  /** Keeps a change that is written with the next one: a row of its own would cost more than it tells. */
  note(command: Command): void {
    if (this.#open.has(nameOf(command))) this.#open.set(nameOf(command), command);
  }

  update(command: Command): void {
    const key = nameOf(command);
    const before = this.find(command);
    if (isOpen(command)) this.#open.set(key, command);
    else this.#closed(command);
    if (isPrompt(command, before)) {
      this.#busy.get(key)?.cancel();
      this.#busy.delete(key);
      return this.#write(command);
    }
    const busy = this.#busy.get(key);
    if (busy) busy.waiting = command;
    else this.#writeThenWait(command, key);
  }

  /** Writes what waits. */
  stop(): void {
    for (const { waiting, cancel } of this.#busy.values()) {
      cancel();
      if (waiting) this.#persist(waiting);
    }
    this.#busy.clear();
  }

  /** Writes an open command whose state is what it was, at once. */
  rewrite(command: Command): void {
    const key = nameOf(command);
    this.#busy.get(key)?.cancel();
    this.#busy.delete(key);
    this.#open.set(key, command);
    this.#write(command);
  }

  /** Closes a command for somebody who is told when that fails: then nothing has changed. @throws Error when the row cannot be written */
  close(command: Command): void {
    const { persist, rows, audit } = this.#options;
    persist.demand(() => audit.ended(command, () => rows.update(command)), rowName(command));
    const key = nameOf(command);
    this.#busy.get(key)?.cancel();
    this.#busy.delete(key);
    this.#closed(command);
    this.#unaudited.delete(key);
    this.#options.changes.emit(command);
  }

  #closed({ device, id }: Command): void {
    const key = nameOf({ device, id });
    if (!this.#open.delete(key)) return;
    this.#unaudited.add(key);
    const own = this.#ofDevice.get(device);
    own?.delete(key);
    if (own?.size === 0) this.#ofDevice.delete(device);
  }

  #writeThenWait(command: Command, key: string): void {
    const cancel = this.#options.clock.after(quietUpdate, () => {
      const waiting = this.#busy.get(key)?.waiting;
      this.#busy.delete(key);
      if (waiting) this.#writeThenWait(waiting, key);
    });
    this.#busy.set(key, { waiting: undefined, cancel });
    this.#write(command);
  }

  #write(command: Command): void {
    this.#persist(command);
    this.#options.changes.emit(command);
  }

  #persist(command: Command): void {
    const { persist, rows, audit } = this.#options;
    const key = nameOf(command);
    if (!isOpen(command)) this.#unwritten.set(key, command);
    const update = (): void => rows.update(command);
    persist.write(rowName(command), () => {
      if (this.#unaudited.has(key)) audit.ended(command, update);
      else update();
      this.#unaudited.delete(key);
      if (this.#unwritten.get(key) === command) this.#unwritten.delete(key);
    });
  }
}

/** What must not wait: a change of state, an answer that came late. */
function isPrompt(command: Command, before: Command | undefined): boolean {
  if (command.late?.length !== before?.late?.length) return true;
  return command.state !== before?.state && (!isOpen(command) || command.timeline.length <= promptChanges);
}
