import type { Clock } from "#shared/clock";
import { nameOf, type CommandName } from "./book.ts";
import { isOpen, type Command } from "./command.ts";
import { CommandFailedError, CommandTimeoutError } from "./errors.ts";

interface Waiter {
  readonly resolve: (command: Command) => void;
  readonly reject: (error: Error) => void;
  readonly cancel: () => void;
}

/** Callers that await a command's end: one timer each, on the monotonic clock. */
export class Waiters {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<Waiter>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves with the command once it succeeded.
   * @param timeout milliseconds; when they are over, `gaveUp` tells the command as it then stands, once that may be told
   * @throws CommandTimeoutError, CommandFailedError with the document in `details.command`
   */
  wait(command: CommandName, timeout: number, gaveUp: () => Promise<Command>): Promise<Command> {
    const name = nameOf(command);
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeout, () => {
        this.#remove(name, waiter);
        gaveUp().then((now) => {
          if (isOpen(now) || now.state === "timed_out") reject(new CommandTimeoutError(now, timeout));
          else tell(waiter, now);
        }, reject);
      });
      const waiter: Waiter = { resolve, reject, cancel };
      const waiters = this.#waiting.get(name);
      if (waiters) waiters.add(waiter);
      else this.#waiting.set(name, new Set([waiter]));
    });
  }

  /** Tells everybody who waits for a command that became final. */
  settle(command: Command): void {
    if (isOpen(command)) return;
    const name = nameOf(command);
    const waiters = this.#waiting.get(name) ?? [];
    this.#waiting.delete(name);
    for (const waiter of waiters) {
      waiter.cancel();
      tell(waiter, command);
    }
  }

  /** Ends every wait, as when the console stops. */
  close(error: Error): void {
    for (const waiters of this.#waiting.values()) {
      for (const { reject, cancel } of waiters) {
        cancel();
        reject(error);
      }
    }
    this.#waiting.clear();
  }

  #remove(name: string, waiter: Waiter): void {
    const waiters = this.#waiting.get(name);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiting.delete(name);
  }
}

function tell({ resolve, reject }: Waiter, command: Command): void {
  if (command.state === "succeeded") resolve(command);
  else reject(new CommandFailedError(command));
}
