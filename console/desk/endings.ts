import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import { nameOf, type CommandName } from "./book.ts";
import type { Command } from "./command.ts";

export interface EndingsOptions {
  readonly clock: Clock;
  /** Whether the present moment is known well enough to end a command by it. */
  readonly timely: () => boolean;
  /** The command, while it is open. */
  readonly open: (name: CommandName) => Command | undefined;
  readonly isOnline: (device: DeviceId) => boolean;
  readonly expire: (name: CommandName) => void;
  readonly giveUp: (name: CommandName) => void;
}

/** When open commands end without a word of their device: one timer each. */
export class Endings {
  readonly #options: EndingsOptions;
  readonly #timers = new Map<string, () => void>();
  /** What is over but waits for a broker, or for a clock that is right; and since when there is a broker, on the monotonic clock. */
  readonly #overdue = new Map<string, CommandName>();
  #upSince: number | undefined;

  constructor(options: EndingsOptions) {
    this.#options = options;
  }

  /** The broker came or went. */
  connection(up: boolean): void {
    this.#upSince = up ? this.#options.clock.monotonic() : undefined;
    if (!up) return;
    const overdue = [...this.#overdue.values()];
    this.#overdue.clear();
    for (const name of overdue) this.schedule(name);
  }

  /** Sets the timer by which an open command ends without a word of its device. */
  schedule(name: CommandName): void {
    const { open, expire, giveUp } = this.#options;
    const command = open(name);
    if (!command) return;
    if (command.expires !== null)
      return this.#endAt(name, command.expires, () => this.#lastCall(name, () => expire(name)));
    if (command.timeout === null) return;
    // Its caller's own timer comes first; this one is for a caller that went away with an earlier run of the console.
    const over = command.ts + command.timeout + callGrace;
    this.#endAt(name, over, () => this.#lastCall(name, () => giveUp(name)));
  }

  /** Sets the timer anew: the clock that it was set by has jumped, or what it waited for has come. */
  reckon(name: CommandName): void {
    this.cancel(name);
    this.#overdue.delete(nameOf(name));
    this.schedule(name);
  }

  /** It has ended. */
  cancel(name: CommandName): void {
    this.#timers.get(nameOf(name))?.();
    this.#timers.delete(nameOf(name));
  }

  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #endAt(name: CommandName, moment: number, end: () => void): void {
    const { clock } = this.#options;
    this.#timers.set(nameOf(name), clock.after(Math.max(0, moment - clock.now()), end));
  }

  /**
   * Its time is over, but the device's word may be on the way: "begun" from one that is online, or a final reply that is repeated
   * to a console that has only just come to hear. Closed now, the withdrawal would be taken for the receipt of a reply that was
   * never heard. So a moment is left, counted from when the broker was there; and without a broker the end waits.
   */
  #lastCall(name: CommandName, end: () => void): void {
    const { clock, open, isOnline, timely } = this.#options;
    const command = open(name);
    if (!command) return;
    if (this.#upSince === undefined || !timely()) return void this.#overdue.set(nameOf(name), name);
    const heardFor = clock.monotonic() - this.#upSince;
    const wait = Math.max(settling - heardFor, isOnline(command.device) ? expiryGrace : 0);
    if (wait > 0) this.#endAt(name, clock.now() + wait, end);
    else end();
  }
}

/** Milliseconds after the broker came up in which devices repeat what was not heard: the answer to their birth makes them. */
const settling = 1_500;

/** Milliseconds in which "begun" arrives from a device that is online: it is sent 200 ms after the beginning. */
const expiryGrace = 1_000;

/** Milliseconds that a call outlives its caller's timer at most, should the caller be gone. */
const callGrace = 1_000;
