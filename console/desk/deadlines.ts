import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import { nameOf, type CommandName } from "./command-name.ts";
import { isOpen, type Command } from "./command.ts";
import { dueOf, graceOf, type Deadline } from "./deadline.ts";
import { answerWithin } from "./doubts.ts";
import { CommandFailedError, CommandTimeoutError } from "./command-errors.ts";

export interface DeadlinesOptions {
  readonly clock: Clock;
  /** Whether the present moment is known well enough to end a command by it. */
  readonly timely: () => boolean;
  /** The command, while it is open. */
  readonly open: (name: CommandName) => Command | undefined;
  /** The command, open or closed. */
  readonly find: (name: CommandName) => Command | undefined;
  readonly isOnline: (device: DeviceId) => boolean;
  /** That time of an open command is over. @returns the command as it then stands */
  readonly over: (command: Command, which: Deadline) => Command;
  /** Resolves once the command as it stands is on the disk, or the disk refuses it. */
  readonly kept: (command: Command) => Promise<unknown>;
}

interface Caller {
  readonly resolve: (command: Command) => void;
  readonly reject: (error: Error) => void;
  readonly cancel: () => void;
}

/**
 * Every time that an open command has, each a timer: its callers' (one each, on the monotonic clock), its own (until nobody may begin it, or
 * a caller that is gone would have given up) with the grace after it, and its device's when that is asked what became of it. What they
 * end, and how, `deadline.ts` says.
 */
export class Deadlines {
  readonly #options: DeadlinesOptions;
  readonly #callers = new Map<string, Set<Caller>>();
  readonly #due = new Map<string, () => void>();
  readonly #asked = new Map<string, () => void>();
  /** What is over but waits for a broker, or for a clock that is right; and since when there is a broker, on the monotonic clock. */
  readonly #held = new Map<string, CommandName>();
  #upSince: number | undefined;

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  /** The broker came or went. */
  connection(up: boolean): void {
    this.#upSince = up ? this.#options.clock.monotonic() : undefined;
    if (!up) return;
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const name of held) this.begin(name);
  }

  /** The time of an open command begins, or goes on. */
  begin(name: CommandName): void {
    const command = this.#options.open(name);
    const due = command && dueOf(command);
    if (due) this.#in(name, due.at - this.#options.clock.now(), () => this.#isDue(name, due.which));
  }

  /** Reckons anew: the clock that it was set by has jumped, or what it waited for has come. */
  reckon(name: CommandName): void {
    stopTimer(this.#due, nameOf(name));
    this.#held.delete(nameOf(name));
    this.begin(name);
  }

  /** Its device has been asked just now what became of it. */
  asked(name: CommandName): void {
    const key = nameOf(name);
    if (this.#asked.has(key)) return;
    const cancel = this.#options.clock.after(answerWithin, () => {
      this.#asked.delete(key);
      this.#end(name, "doubt");
    });
    this.#asked.set(key, cancel);
  }

  /** It has ended. Its callers are told by {@link settle}, once that may be told. */
  end(name: CommandName): void {
    const key = nameOf(name);
    stopTimer(this.#due, key);
    stopTimer(this.#asked, key);
    this.#held.delete(key);
  }

  /**
   * A caller waits. Resolves with the command once it succeeded.
   * @param timeout milliseconds; when they are over, the caller is told the command as it then stands, once that may be told
   * @throws CommandTimeoutError, CommandFailedError with the document in `details.command`
   */
  wait(command: Command, timeout: number): Promise<Command> {
    const key = nameOf(command);
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(timeout, () => {
        this.#removeCaller(key, caller);
        this.#patienceOver(command).then((now) => {
          if (isOpen(now) || now.state === "timed_out") reject(new CommandTimeoutError(now, timeout));
          else tell(caller, now);
        }, reject);
      });
      const caller: Caller = { resolve, reject, cancel };
      const callers = this.#callers.get(key);
      if (callers) callers.add(caller);
      else this.#callers.set(key, new Set([caller]));
    });
  }

  /** Tells everybody who waits for a command that became final. */
  settle(command: Command): void {
    if (isOpen(command)) return;
    const key = nameOf(command);
    const callers = this.#callers.get(key);
    if (!callers) return;
    this.#callers.delete(key);
    for (const caller of callers) {
      caller.cancel();
      tell(caller, command);
    }
  }

  /** Ends every wait, as when the console stops. @param error what callers are told */
  stop(error: Error): void {
    for (const callers of this.#callers.values()) {
      for (const { reject, cancel } of callers) {
        cancel();
        reject(error);
      }
    }
    this.#callers.clear();
    for (const timers of [this.#due, this.#asked]) {
      for (const cancel of timers.values()) cancel();
      timers.clear();
    }
  }

  #in(name: CommandName, ms: number, run: () => void): void {
    this.#due.set(nameOf(name), this.#options.clock.after(Math.max(0, ms), run));
  }

  #isDue(name: CommandName, which: Deadline): void {
    const { clock, open, isOnline, timely } = this.#options;
    const command = open(name);
    if (!command) return;
    const heardFor = this.#upSince === undefined ? undefined : clock.monotonic() - this.#upSince;
    const grace = graceOf({ heardFor, timely: timely(), online: isOnline(command.device) });
    if (grace === undefined) this.#held.set(nameOf(name), name);
    else if (grace > 0) this.#in(name, grace, () => this.#end(name, which));
    else this.#end(name, which);
  }

  #end(name: CommandName, which: Deadline): void {
    const command = this.#options.open(name);
    if (command) this.#options.over(command, which);
  }

  /** What a caller is told whose time is over. That waits for the disk, but not for one that refuses: the caller has waited enough. */
  async #patienceOver(sent: Command): Promise<Command> {
    const { open, find, over, kept } = this.#options;
    const command = open(sent);
    const now = command ? over(command, "caller") : (find(sent) ?? sent);
    if (!isOpen(now)) await kept(now);
    return now;
  }

  #removeCaller(key: string, caller: Caller): void {
    const callers = this.#callers.get(key);
    callers?.delete(caller);
    if (callers?.size === 0) this.#callers.delete(key);
  }
}

function stopTimer(timers: Map<string, () => void>, key: string): void {
  timers.get(key)?.();
  timers.delete(key);
}

function tell({ resolve, reject }: Caller, command: Command): void {
  if (command.state === "succeeded") resolve(command);
  else reject(new CommandFailedError(command));
}
